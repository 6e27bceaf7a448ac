import { describe, expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { problemOfSource } from '../../../node/src/cluster/sources.ts';
import { planText, Script } from './script.ts';

const kind = 'noteSource';

describe('what is wrong with a source', () => {
  it('is told until it is well again, and is in a snapshot; a run that is on goes on', () => {
    const script = Script.running();
    const { run } = script;
    expect(script.do({ kind, source: 'consul-kv', reason: 'no key', isWaiting: false }).ok).toBe(true);
    expect(problemOfSource(script.state, 'consul-kv')).toBe('no key');
    expect(problemOfSource(script.state, 'gcs')).toBe(null);
    expect(script.run).toBe(run);
    expect(decodeSnapshot(encodeSnapshot(script.state))).toEqual(script.state);
    script.do({ kind, source: 'consul-kv', reason: null, isWaiting: false });
    expect(script.state.sourceProblem).toBe(null);
  });

  it('is over with the next plan of that source, not of another one or of a person', () => {
    const script = new Script();
    script.do({ kind, source: 'consul-kv', reason: 'no key', isWaiting: false });
    script.submit('key:1');
    script.abort();
    script.submit('file:1', 'run-2', planText, 'file of a');
    script.do({ kind: 'abortRun', runId: 'run-2', reason: 'enough' });
    expect(problemOfSource(script.state, 'consul-kv')).toBe('no key');
    script.submit('k@1', 'run-3', planText, 'consul-kv');
    expect(problemOfSource(script.state, 'consul-kv')).toBe(null);
  });

  it('also is that its plan was refused, for a run was on', () => {
    const script = Script.running();
    script.do({ kind, source: 'consul-kv', reason: 'it waits', isWaiting: true });
    expect(script.submit('k@1', 'run-2', `${planText}#\n`, 'consul-kv').ok).toBe(false);
    expect(problemOfSource(script.state, 'consul-kv')).toMatch(/^run run-1 was on/);
  });

  it('is not told by a leader of another term', () => {
    const script = new Script();
    const late = { kind, source: 'consul-kv', reason: 'no key', isWaiting: false, term: 1 } as const;
    expect(script.commit(late, 2)).toMatchObject({ ok: false, code: 'STALE_COMMAND' });
    expect(script.state.sourceProblem).toBe(null);
  });
});
