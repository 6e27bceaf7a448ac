import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../node/src/cluster/commands.ts';
import type { Consensus, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { createRunService } from '../../../node/src/coordinator/run-service.ts';
import { stopRun } from '../../../node/src/coordinator/finish.ts';
import { systemClock } from '../../../node/src/lib/clock.ts';
import { observed } from '../../support/observed.ts';
import { TuttiError, type ErrorCode } from '../../../node/src/lib/errors.ts';

/** A node that knows no leader until it becomes one itself. */
function lonelyNode(): { readonly service: ReturnType<typeof createRunService>; readonly lead: () => number } {
  const listeners = new Set<(event: ObservedEvent) => void>();
  let asked = 0;
  let isLeading = false;
  const state = (): never => {
    asked += 1;
    throw new Error('asked what is on');
  };
  const consensus = {
    status: () => ({ nodeId: 'a', leaderId: null }),
    subscribe: (listener: (event: ObservedEvent) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    handle: () => undefined,
  } as unknown as Consensus<CommandResult>;
  const service = createRunService({
    ...{ consensus, state, runMs: () => null, clock: systemClock, newRunId: () => 'run-1' },
    leading: () => (isLeading ? ({ state } as unknown as LeaderContext) : null),
  });
  const lead = (): number => {
    isLeading = true;
    for (const listener of [...listeners]) listener(observed({ kind: 'leadershipGained', term: 2 }));
    return asked;
  };
  return { service, lead };
}

describe('a change that waits for a leader', () => {
  it('is made when there is one', async () => {
    const { service, lead } = lonelyNode();
    const outcome = service.stop({ tenant: null }).catch((error: unknown) => String(error));
    lead();
    expect(await outcome).toContain('asked what is on');
  });

  it('is not made once whoever asked for it has gone: nobody would expect it any more', async () => {
    const { service, lead } = lonelyNode();
    const asker = new AbortController();
    const outcome = service.stop({ tenant: null }, asker.signal).catch((error: unknown) => error);
    asker.abort();
    lead();
    expect(await outcome).toMatchObject({ code: 'TIMEOUT', message: 'run.stop: whoever asked has gone; not done' });
    expect(lead()).toBe(0);
  });
});

describe('a change that is forwarded', () => {
  const forwarding = (failures: readonly ErrorCode[]): { stop: () => Promise<unknown>; asked: () => number } => {
    let asked = 0;
    const consensus = {
      status: () => ({ nodeId: 'a', leaderId: 'b' }),
      subscribe: () => () => undefined,
      handle: () => undefined,
      request: () => {
        const code = failures[asked++];
        if (code !== undefined) return Promise.reject(new TuttiError(code, 'no'));
        return Promise.resolve(new TextEncoder().encode('{"runId":"run-1"}'));
      },
    } as unknown as Consensus<CommandResult>;
    // Whoever waits for a time waits no longer.
    const clock = {
      nowMs: () => 0,
      at: (_atMs: number, due: () => void) => {
        queueMicrotask(due);
        return () => undefined;
      },
    };
    const never = (): never => {
      throw new Error('not asked here');
    };
    const service = createRunService({
      ...{ consensus, clock, leading: () => null, state: never, runMs: () => null, newRunId: never },
    });
    return { stop: () => service.stop({ tenant: null }).catch((error: unknown) => error), asked: () => asked };
  };

  it('is tried again while nothing could be sent: nothing has happened', async () => {
    const { stop, asked } = forwarding(['PEER_UNREACHABLE', 'PEER_UNREACHABLE']);
    expect(await stop()).toEqual({ runId: 'run-1' });
    expect(asked()).toBe(3);
  });

  it.each(['PEER_LOST', 'TIMEOUT'] as const)(
    'may have been made when the leader is gone before it answers (%s)',
    async (code) => {
      const { stop, asked } = forwarding([code]);
      expect(await stop()).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      expect(asked()).toBe(1);
    },
  );
});

describe('a stop', () => {
  const order = async (nowRunMs: number, horizonMs: number): Promise<unknown> => {
    const run = { id: 'r', plan: { durationMs: 8_000 }, horizonMs, phase: { name: 'running' } };
    let proposed: unknown = null;
    const context = {
      exclusively: (work: () => Promise<boolean>) => work(),
      state: () => ({ run }),
      runMs: () => nowRunMs,
      log: { info: () => undefined },
      propose: (command: { readonly stop: unknown }) => {
        proposed = command.stop;
        return Promise.resolve({ ok: true });
      },
    } as unknown as LeaderContext;
    await stopRun(context, 'r');
    return proposed;
  };

  it('ends the run at its horizon', async () => {
    expect(await order(3_000, 4_500)).toMatchObject({ reason: 'stopped', atMs: 4_500 });
  });

  it('that comes after the planned end cuts nothing short', async () => {
    expect(await order(9_500, 8_000)).toMatchObject({ reason: 'completed', atMs: 8_000 });
  });
});
