import { randomUUID } from 'node:crypto';
import { monotonicMs, systemClock } from '../lib/clock.ts';
import { Engine, type EngineParts } from './engine/engine.ts';
import { HttpClient } from './http/client.ts';
import { compileScenarios } from './scenario/compile.ts';
import { seededRandom } from './scenario/random.ts';
import { ScenarioRunner } from './scenario/runner.ts';
import { hash } from './schedule/choose.ts';

/** An engine with real clock and sockets. Throws PLAN_INVALID for what the plan's own validation would have refused. */
export function assembleEngine(parts: Pick<EngineParts, 'plan' | 'seed' | 'share' | 'started' | 'emit'>): {
  readonly engine: Engine;
  readonly client: HttpClient;
} {
  const { plan, seed, share } = parts;
  const client = new HttpClient(plan, monotonicMs);
  const scenarios = compileScenarios(plan, (url, dynamic) => client.origin(url, dynamic));
  // Think times and payloads differ between generators; which scenario an arrival runs does not (schedule/choose.ts).
  const random = seededRandom(hash(seed, hashText(share.node) + share.index));
  const sources = { unixMs: () => Date.now(), uuid: () => randomUUID() };
  const engine = new Engine({
    ...parts,
    clock: systemClock,
    runnerFor: (host, measurements) =>
      new ScenarioRunner({ scenarios, client, random, sources, nowMs: monotonicMs, measurements }, host),
  });
  return { engine, client };
}

function hashText(text: string): number {
  let mixed = 0;
  for (let at = 0; at < text.length; at++) mixed = hash(mixed, text.charCodeAt(at));
  return mixed;
}
