import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CommandBody, CountedInterval } from '../../../node/src/cluster/commands.ts';
import { apply, decodeCommand, initialState } from '../../../node/src/cluster/reducer.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { slotOf, type AgentRef, type ClusterState, type RunPhase } from '../../../node/src/cluster/state.ts';
import { isOver } from '../../../node/src/cluster/transitions.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import { countStripe } from '../../../node/src/generator/schedule/stripes.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import { a, agents, durationMs, interval, Script } from './script.ts';

const seconds = durationMs / 1_000;
const joiner: AgentRef = { node: 'b', session: 's2', region: 'eu' };
const everyone = [...agents, joiner];

/** What one of the successive leaders does next. Numbers choose among what is possible; `stale` says it has an old view. */
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('cut' as const), who: fc.nat(3), drop: fc.nat(3), skip: fc.nat(3) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('count' as const),
      who: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
      most: fc.integer({ min: 1, max: 3 }),
      stale: fc.nat(2),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('extend' as const), byMs: fc.integer({ min: -500, max: 1_500 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('assign' as const),
      slots: fc.subarray(everyone.map(slotOf), { minLength: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), who: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'join' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'newLeader' as const }) },
  // A client, a retry or a deposed leader's entry: something from before, once more, in its old term or in the new one.
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('again' as const), which: fc.nat(200), oldTerm: fc.boolean() }),
  },
);
const story = fc.record({
  actions: fc.array(action, { minLength: 20, maxLength: 120 }),
  stopMs: fc.option(fc.integer({ min: 1, max: durationMs })),
});
type Action = Parameters<World['act']>[0];

/** Agents that fire what their stripe gives them, cut it by seconds and keep what is not taken, beside the replicated run. */
class World {
  readonly script = Script.running();
  readonly proposed: CommandBody[] = [];
  readonly cuts = new Map<string, CountedInterval[]>(everyone.map((agent) => [slotOf(agent), []]));
  readonly dead = new Set<string>([slotOf(joiner)]);

  act(next: typeof action extends fc.Arbitrary<infer Each> ? Each : never): void {
    switch (next.kind) {
      case 'cut':
        return this.cut(everyone[next.who]!, next.drop, next.skip);
      case 'count':
        return this.count(
          next.who.map((who) => everyone[who]!),
          next.most,
          next.stale,
        );
      case 'extend':
        return this.propose({
          kind: 'extendHorizon',
          runId: 'run-1',
          horizonMs: Math.max(0, this.script.run.horizonMs + next.byMs),
          runMs: this.script.run.horizonMs,
        });
      case 'assign':
        return this.propose({ kind: 'assignStripes', runId: 'run-1', slots: next.slots, reason: 'told so' });
      case 'kill':
        this.dead.add(slotOf(everyone[next.who]!));
        return;
      case 'join':
        this.script.acknowledge(joiner);
        this.dead.delete(slotOf(joiner));
        return;
      case 'newLeader':
        this.script.term += 1;
        return;
      case 'again': {
        const body = this.proposed[next.which % Math.max(1, this.proposed.length)];
        if (body !== undefined)
          this.script.commit({ ...body, term: next.oldTerm ? 1 : this.script.term }, this.script.term);
      }
    }
  }

  propose(body: CommandBody): void {
    this.proposed.push(body);
    this.script.do(body);
  }

  /** The next second of an agent, once the horizon has passed it: nothing about it can change any more. */
  cut(agent: AgentRef, drop: number, skip: number, final = false): void {
    const { run } = this.script;
    const made = this.cuts.get(slotOf(agent))!;
    if (this.dead.has(slotOf(agent)) || made.at(-1)?.final === true) return;
    const number = (made.at(-1)?.number ?? -1) + 1;
    if (!final && (number + 1) * 1_000 > run.horizonMs) return;
    const endMs = Math.min(durationMs, run.phase.name === 'draining' ? run.phase.stop.atMs : Infinity);
    const toMs = final ? endMs : Math.min(endMs, (number + 1) * 1_000);
    const owned = countStripe(run.plan.load, run.tables, slotOf(agent), Math.min(toMs, number * 1_000), toMs);
    const dropped = Math.min(owned, drop);
    const notFired = Math.min(owned - dropped, skip);
    const fired = owned - dropped - notFired;
    made.push(interval(agent, number, { fired, dropped, notFired, answered: fired }, final));
  }

  /** A batch of what is waiting; a stale leader believes in an older watermark than the state's. */
  count(who: readonly AgentRef[], most: number, stale: number): void {
    const intervals = who.flatMap((agent) => {
      const taken = this.script.run.agents.find((each) => slotOf(each.agent) === slotOf(agent))?.lastInterval ?? -1;
      const from = Math.max(0, taken + 1 - stale);
      return this.cuts
        .get(slotOf(agent))!
        .filter(({ number }) => number >= from)
        .slice(0, most);
    });
    if (intervals.length > 0) {
      this.script.count(...intervals);
      const { data } = this.script.log.at(-1)!;
      this.proposed.push(decodeCommand(data, 0));
    }
  }

  end(stopMs: number | null): void {
    // A stop lies at the horizon or beyond: nobody has fired anything there.
    const atMs = stopMs === null ? durationMs : Math.min(durationMs, Math.max(stopMs, this.script.run.horizonMs));
    this.script.drain(stopMs === null ? 'completed' : 'stopped', atMs);
    this.script.extend(atMs);
    for (const agent of everyone) {
      for (let second = 0; second < seconds - 1; second++) this.cut(agent, 0, 0);
      this.cut(agent, 0, 0, true);
      for (let second = 0; second < seconds; second++) this.count([agent], 3, 0);
    }
    this.script.finish();
  }
}

const told = (given: { readonly actions: readonly Action[]; readonly stopMs: number | null }): World => {
  const world = new World();
  for (const each of given.actions) world.act(each);
  world.end(given.stopMs);
  return world;
};

/** Freezes what apply is given, so that a change of it throws. Histograms guard theirs in private fields: see the snapshots. */
function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || value instanceof Map) return;
  if (Object.getPrototypeOf(value) !== Object.prototype && !Array.isArray(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}

const order = ['preparing', 'ready', 'scheduled', 'running', 'draining', 'finished'] as const;
function isDrawn(from: RunPhase, to: RunPhase): boolean {
  if (from.name === to.name) return true;
  if (to.name === 'aborted') return !isOver(from);
  return from.name !== 'aborted' && order.indexOf(to.name) === order.indexOf(from.name) + 1;
}

describe('whatever successive leaders propose, in whatever order and however often', () => {
  it('each interval is counted exactly once, and the books balance to the last arrival', () => {
    fc.assert(
      fc.property(story, (given) => {
        const world = told(given);
        const { run } = world.script;
        expect(run.phase.name).toBe('finished');
        for (const { agent, lastInterval, intervals } of run.agents)
          expect(intervals).toBe(lastInterval + 1 - firstOf(world, agent));
        const counted = run.agents.flatMap(({ agent, lastInterval }) =>
          world.cuts.get(slotOf(agent))!.filter(({ number }) => number <= lastInterval),
        );
        const fired = counted.reduce((sum, { books }) => sum + books.fired, 0);
        expect(run.firedPerSecond.reduce((sum, each) => sum + each, 0)).toBe(fired);
        const requests = run.regions.reduce(
          (sum, { measurements }) => sum + measurements.scenarios[0]!.steps[0]!.requests,
          0,
        );
        expect(requests).toBe(fired);
        const report = buildReport(reportInput(run));
        expect(report.totals.response.count).toBe(fired);
        expect(report.books).toMatchObject({ fired, balanced: true });
      }),
      { numRuns: 300 },
    );
  });

  it('replicas that apply the same log have equal snapshots, also one that begins from a snapshot in the middle', () => {
    fc.assert(
      fc.property(story, fc.nat(), (given, cut) => {
        const { log, state } = told(given).script;
        let replica: ClusterState = initialState;
        let late: ClusterState = initialState;
        log.forEach(({ data, term }, position) => {
          const at = { index: position + 1, term };
          replica = apply(replica, decodeCommand(data, at.index), at).state;
          late = apply(late, decodeCommand(data, at.index), at).state;
          if (position === cut % log.length) late = decodeSnapshot(encodeSnapshot(late));
        });
        const expected = Buffer.from(encodeSnapshot(state)).toString();
        expect(Buffer.from(encodeSnapshot(replica)).toString()).toBe(expected);
        expect(Buffer.from(encodeSnapshot(late)).toString()).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('the state that is given stays as it is, and phases move along the drawn edges only', () => {
    fc.assert(
      fc.property(story, (given) => {
        const { log } = told(given).script;
        let state: ClusterState = initialState;
        log.forEach(({ data, term }, position) => {
          deepFreeze(state);
          const before = encodeSnapshot(state);
          const applied = apply(state, decodeCommand(data, position + 1), { index: position + 1, term });
          expect(Buffer.compare(encodeSnapshot(state), before)).toBe(0);
          if (!applied.result.ok) expect(applied.state).toBe(state);
          if (state.run !== null) expect(isDrawn(state.run.phase, applied.state.run!.phase)).toBe(true);
          ({ state } = applied);
        });
      }),
      { numRuns: 50 },
    );
  });
});

function firstOf(world: World, agent: AgentRef): number {
  return world.cuts.get(slotOf(agent))![0]!.number;
}

describe('snapshots', () => {
  it('hold all of the state and nothing of the order in which its objects were built', () => {
    const script = Script.running();
    script.count(interval(a, 0, { fired: 3, answered: 1 }, false, 2));
    const back = decodeSnapshot(encodeSnapshot(script.state));
    expect(back.run!.plan).toEqual(script.run.plan);
    expect(encodeSnapshot(back)).toEqual(encodeSnapshot(script.state));
    const shuffled = Object.fromEntries(Object.entries(script.run).reverse()) as unknown as typeof script.run;
    expect(encodeSnapshot({ ...script.state, run: shuffled })).toEqual(encodeSnapshot(script.state));
  });

  it('of another version are refused', () => {
    const bytes = new TextEncoder().encode('{"version":99,"submissions":[],"run":null}');
    expect(() => decodeSnapshot(bytes)).toThrow('version 99');
  });
});
