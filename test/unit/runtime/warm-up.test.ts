import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../node/src/lib/clock.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { warmUpIntervals } from '../../../node/src/runtime/warm-up.ts';

/** Each look at it is that much later. */
function clockThatMoves(stepMs: number): Clock {
  let nowMs = 0;
  return { nowMs: () => (nowMs += stepMs), at: () => () => undefined };
}

function planOf(text: string): Plan {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
}

const manySteps = Array.from({ length: 100 }, (_, step) => `      - request: { method: GET, path: /${step} }`);
const closed = `version: "1.0"
config: { baseUrl: "http://127.0.0.1:17400", duration: 10s, workers: 5 }
load: { model: concurrent }
scenarios:
  - name: many
    steps:
${manySteps.join('\n')}
`;

describe('warming up', () => {
  it.each([
    ['an open plan', readFileSync('examples/checkout.yaml', 'utf8')],
    ['a closed one of many steps', closed],
  ])('carries intervals of %s the whole way', async (_name, text) => {
    expect(await warmUpIntervals(planOf(text), clockThatMoves(0))).toBe(10);
  });

  it('ends after 300 ms, however far it has come', async () => {
    expect(await warmUpIntervals(planOf(closed), clockThatMoves(100))).toBe(1);
    expect(await warmUpIntervals(planOf(closed), clockThatMoves(400))).toBe(0);
  });

  it('lets others have a turn between its steps', async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    count();
    await warmUpIntervals(planOf(closed), clockThatMoves(0));
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(30);
  });
});
