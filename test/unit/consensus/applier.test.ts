import { expect, it } from 'vitest';
import { Applier } from '../../../node/src/consensus/applier.ts';
import type { Entry } from '../../../node/src/raft/types.ts';
import { ManualTime, Recorder } from './twins.ts';

const entry = (index: number): Entry => ({ index, term: 1, kind: 'command', data: Buffer.from(`c${index}`) });
const entries = (from: number, to: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => entry(from + at));

function open(): { applier: Applier<string>; machine: Recorder; results: (string | null)[]; slices: number[] } {
  const { clock, defer } = new ManualTime();
  const [machine, results, slices] = [new Recorder(), [] as (string | null)[], [] as number[]];
  const hooks = {
    onEntry: (_: Entry, result: { readonly value: string } | null) => results.push(result?.value ?? null),
    onSlice: (index: number) => slices.push(index),
    onFailed: (error: unknown) => {
      throw error;
    },
  };
  return {
    applier: new Applier({ stateMachine: machine, clock, defer, hooks, restoredIndex: 0 }),
    machine,
    results,
    slices,
  };
}

it('a snapshot that overtakes the log: what it holds is not applied again when the log commits it (S7)', async () => {
  const { applier, machine, results, slices } = open();
  applier.add(entries(1, 2));
  applier.run();
  let restored!: () => void;
  const replacing = applier.replace(5, () => new Promise<void>((resolve) => (restored = resolve)));
  applier.add(entries(3, 4));
  applier.run();
  expect([applier.readableIndex, machine.applied]).toEqual([0, ['c1', 'c2']]);
  machine.applied.splice(0, Infinity, 'c1', 'c2', 'c3', 'c4', 'c5');
  restored();
  await replacing;
  applier.add(entries(5, 7));
  applier.run();
  expect(machine.applied).toEqual(['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7']);
  // Whoever waits for the answer to one that a snapshot holds is told that there is none.
  expect(results).toEqual(['C1', 'C2', null, null, null, 'C6', 'C7']);
  expect(slices).toEqual([2, 5, 5, 7]);
});

it('a log that begins behind a snapshot goes on from there, and from nowhere else', async () => {
  const { applier, machine } = open();
  await applier.replace(5, () => undefined);
  applier.skipTo(5);
  expect(() => applier.add([entry(7)])).toThrow('entry 7 was committed after 5');
  applier.add([entry(6)]);
  applier.run();
  expect([applier.appliedIndex, machine.applied]).toEqual([6, ['c6']]);
});
