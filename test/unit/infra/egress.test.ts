import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeEgress, egressOf } from '../../../infra/src/plan/egress.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';

function planOf(text: string): Plan {
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
}
const simple = (change: Partial<Record<'url' | 'load' | 'steps', string>> = {}): Plan =>
  planOf(`version: '1.0'
config: { baseUrl: "${change.url ?? 'http://t.example'}", duration: 100s }
load: ${change.load ?? '{ model: rps, target: 10 }'}
scenarios: [{ name: a, steps: ${change.steps ?? '[{ request: { method: GET, path: / } }]'} }]
`);

describe('what a plan sends', () => {
  it('is its rate times what carries a request: the request, packets, acknowledgements', () => {
    const { bytesPerRequest, requestsPerSecond, gb, usd, usdPerHour } = egressOf(simple());
    expect(requestsPerSecond).toBe(10);
    // Some 100 bytes of HTTP, and three packets of 52.
    expect(bytesPerRequest).toBeGreaterThan(200);
    expect(bytesPerRequest).toBeLessThan(320);
    expect(gb).toBeCloseTo((bytesPerRequest * 1000) / 1e9, 12);
    expect(usd).toBeCloseTo(gb! * 0.12, 12);
    expect(usdPerHour).toBeCloseTo(usd! * 36, 12);
  });

  it('grows by exactly what a body has, with the packets that it needs', () => {
    const post = (size: string): number =>
      egressOf(simple({ steps: `[{ request: { method: POST, path: /, bodySize: ${size} } }]` })).bytesPerRequest;
    expect(post('14481B') - post('1B')).toBe(14_480 + 10 * 52);
    const https = egressOf(simple({ url: 'https://t.example' })).bytesPerRequest;
    expect(https - egressOf(simple()).bytesPerRequest).toBe(22);
  });

  it('counts scenarios by their weight, and every step', () => {
    const { requestsPerSecond } = egressOf(planOf(readFileSync('examples/checkout.yaml', 'utf8')));
    // 60 visitors a second: 70 of 100 do three steps, 30 four.
    expect(requestsPerSecond).toBeCloseTo(60 * (0.7 * 3 + 0.3 * 4), 9);
  });

  it('is not known where the plan fixes no rate', () => {
    const egress = egressOf(simple({ load: '{ model: concurrent }' }));
    expect(egress).toMatchObject({ requestsPerSecond: null, gb: null, usd: null, usdPerHour: null });
    expect(describeEgress(egress)).toMatch(/^the plan fixes no rate, so what it sends is not known: about \d+ bytes/);
  });

  it('is said in words, never more precise than it is', () => {
    const egress = { requestsPerSecond: 300.4, bytesPerRequest: 412, gb: 1.24, usd: 0.149, usdPerHour: 0.001 };
    expect(describeEgress(egress)).toBe(
      'the plan sends about 1.2 GB (about 0.15 USD, less than 0.01 USD for each hour): 300 requests/s of about 412 bytes',
    );
    expect(describeEgress({ ...egress, gb: 0.0123 })).toContain('about 12.3 MB');
  });
});
