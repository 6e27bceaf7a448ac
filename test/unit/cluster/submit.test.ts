import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apply, decodeCommand, encodeCommand, initialState } from '../../../node/src/cluster/reducer.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../node/src/cluster/snapshot.ts';
import { agents, planOf, planText, refusalOf, Script } from './script.ts';

describe('submitRun', () => {
  it('the same submission id twice is one run, even after it has ended and another one is on', () => {
    const script = new Script();
    expect(script.submit()).toEqual({ ok: true, runId: 'run-1' });
    expect(script.submit('sub-1', 'run-2')).toEqual({ ok: true, runId: 'run-1' });
    script.abort();
    expect(script.submit('sub-2', 'run-2')).toEqual({ ok: true, runId: 'run-2' });
    expect(script.submit('sub-1', 'run-3')).toEqual({ ok: true, runId: 'run-1' });
    expect(script.run.id).toBe('run-2');
  });

  it('another plan under a used submission id is refused and starts nothing: it was not accepted before', () => {
    const script = new Script();
    script.submit();
    const result = script.submit('sub-1', 'run-2', `${planText}# another\n`);
    expect(result).toMatchObject({ ok: false, code: 'KEY_REUSED' });
    expect(result).toHaveProperty('message', expect.stringContaining('run-1'));
    script.abort();
    expect(script.submit('sub-1', 'run-2', `${planText}# another\n`).ok).toBe(false);
  });

  it('is refused while a run is on, naming it, and accepted once that is over', () => {
    const script = new Script();
    script.submit();
    const result = script.submit('sub-2', 'run-2');
    expect(result).toMatchObject({ ok: false, code: 'RUN_IN_PROGRESS' });
    expect(result).toHaveProperty('message', expect.stringContaining('run-1'));
    script.abort();
    expect(script.submit('sub-2', 'run-2').ok).toBe(true);
  });

  it('of a source is decided once: neither a hundred other runs nor the end of the one in its way let it begin later', () => {
    const script = new Script();
    expect(script.submit('file:1', 'run-1', planText, 'file of a').ok).toBe(true);
    for (let other = 2; other <= 120; other++) {
      script.do({ kind: 'abortRun', runId: script.run.id, reason: 'enough' });
      expect(script.submit(`sub-${other}`, `run-${other}`).ok).toBe(true);
    }
    expect(script.submit('file:1', 'run-999', planText, 'file of a')).toEqual({ ok: true, runId: 'run-1' });
    const other = `${planText}# another\n`;
    const refused = script.submit('file:2', 'run-999', other, 'file of a');
    expect(refused).toMatchObject({ ok: false, code: 'RUN_IN_PROGRESS' });
    script.do({ kind: 'abortRun', runId: 'run-120', reason: 'enough' });
    expect(script.submit('file:2', 'run-999', other, 'file of a')).toEqual(refused);
    expect(script.submit('file:2', 'run-999', other, 'file of b')).toEqual(refused);
    expect(script.run.id).toBe('run-120');
    expect(decodeSnapshot(encodeSnapshot(script.state))).toEqual(script.state);
    expect(script.state.sources).toMatchObject([
      { source: 'file of a', submissionId: 'file:2', runId: null },
      { source: 'file of b', submissionId: 'file:2', runId: null },
    ]);
  });

  it('of a plan that a source was refused, by whoever gives it, settles what was open of the source', () => {
    const script = new Script();
    script.submit();
    const other = `${planText}# another\n`;
    script.submit('file:2', 'run-2', other, 'file of a');
    script.abort();
    expect(script.submit('key:1', 'run-2', other).ok).toBe(true);
    expect(script.state.sources).toMatchObject([{ submissionId: 'file:2', runId: 'run-2' }]);
    script.do({ kind: 'abortRun', runId: 'run-2', reason: 'enough' });
    expect(script.submit('file:2', 'run-3', other, 'file of a')).toEqual({ ok: true, runId: 'run-2' });
  });

  it('never gives a run id twice', () => {
    const script = new Script();
    script.submit();
    script.abort();
    expect(refusalOf(script.submit('sub-2', 'run-1'))).toBe('STALE_COMMAND');
  });

  it('takes the plan as the leader understood it, whatever the rules of this version say to its text', () => {
    const script = new Script();
    const submission = { runId: 'run-1', submissionId: 'sub-1', source: null, planHash: 'h', submittedAtUnixMs: 1 };
    const plan = { ...planOf(planText), durationMs: 1_234 };
    const text = 'version: "7"\nof: a later version\n';
    const given = { kind: 'submitRun', ...submission, expected: agents, missing: [], planText: text, plan } as const;
    expect(script.do(given)).toEqual({ ok: true, runId: 'run-1' });
    expect(script.run.plan).toEqual(plan);
    expect(decodeSnapshot(encodeSnapshot(script.state)).run!.plan).toEqual(plan);
  });

  it('with a plan of another shape stops the node, by the entry: another version made it', () => {
    const script = new Script();
    script.submit();
    const command = JSON.parse(new TextDecoder().decode(script.log[0]!.data)) as { plan: object };
    for (const plan of [
      { ...command.plan, thresholds: [] },
      { ...command.plan, durationMs: undefined },
    ]) {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...command, plan }));
      expect(() => decodeCommand(bytes, 7)).toThrow(/the command of entry 7 is unknown/);
    }
  });

  it('carries every kind of plan through the log as it is', () => {
    for (const name of readdirSync('examples').filter((each) => each.endsWith('.yaml'))) {
      const script = new Script();
      const text = readFileSync(`examples/${name}`, 'utf8');
      script.submit('sub-1', 'run-1', text);
      expect(script.run.plan, name).toEqual(planOf(text));
    }
  });

  it('remembers the newest 100 submissions', () => {
    const script = new Script();
    for (let n = 0; n < 103; n++) {
      const [runId, submissionId] = [`run-${n}`, `sub-${n}`];
      script.do({
        kind: 'submitRun',
        runId,
        submissionId,
        source: null,
        planText,
        plan: planOf(planText),
        planHash: 'h',
        expected: agents,
        missing: [],
        submittedAtUnixMs: n,
      });
      script.do({ kind: 'abortRun', runId, reason: 'next' });
    }
    expect(script.state.submissions.length).toBe(100);
    expect(script.state.submissions[0]).toMatchObject({ submissionId: 'sub-3', runId: 'run-3' });
  });
});

describe('the bytes of a command', () => {
  it('come back as they were', () => {
    const command = { kind: 'extendHorizon', runId: 'run-1', horizonMs: 1_500.25, runMs: 0.25, term: 3 } as const;
    expect(decodeCommand(encodeCommand(command), 7)).toEqual(command);
  });

  it.each(['', 'no json', '{}', '{"kind":"selfDestruct","term":1}', '{"kind":"finishRun","term":1,"runId":"r","x":1}'])(
    'that cannot be read break an invariant naming the entry: %j',
    (text) => {
      expect(() => decodeCommand(new TextEncoder().encode(text), 41)).toThrow(/invariant violated.*entry 41/s);
    },
  );

  it('that could not be read back are never written', () => {
    const command = { kind: 'extendHorizon', runId: 'run-1', horizonMs: NaN, runMs: 0, term: 3 } as const;
    expect(() => encodeCommand(command)).toThrow('invariant violated');
    expect(apply(initialState, command, { index: 1, term: 3 }).state).toBe(initialState);
  });
});
