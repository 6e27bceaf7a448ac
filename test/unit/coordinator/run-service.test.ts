import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../node/src/cluster/commands.ts';
import type { Consensus, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { stopAsLeader } from '../../../node/src/coordinator/leader-runs.ts';
import { createLeaderCalls } from '../../../node/src/coordinator/leader-calls.ts';
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
    calls: createLeaderCalls({
      ...{ consensus, clock: systemClock },
      leading: () => (isLeading ? ({ state } as unknown as LeaderContext) : null),
    }),
    ...{ runMs: () => null, newRunId: () => 'run-1' },
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
    const outcome = service.stop({ tenant: null, runId: null }).catch((error: unknown) => String(error));
    lead();
    expect(await outcome).toContain('asked what is on');
  });

  it('is not made once whoever asked for it has gone: nobody would expect it any more', async () => {
    const { service, lead } = lonelyNode();
    const asker = new AbortController();
    const outcome = service.stop({ tenant: null, runId: null }, asker.signal).catch((error: unknown) => error);
    asker.abort();
    lead();
    expect(await outcome).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('whoever asked has gone; not done') as string,
    });
    expect(lead()).toBe(0);
  });
});

describe('a change that is forwarded', () => {
  const forwarding = (
    failures: readonly ErrorCode[],
  ): { stop: (runId: string | null) => Promise<unknown>; asked: () => number; bodies: string[] } => {
    let asked = 0;
    const bodies: string[] = [];
    const consensus = {
      status: () => ({ nodeId: 'a', leaderId: 'b' }),
      subscribe: () => () => undefined,
      handle: () => undefined,
      request: (_to: string, _method: string, body: Uint8Array) => {
        bodies.push(new TextDecoder().decode(body));
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
      calls: createLeaderCalls({ consensus, clock, leading: () => null }),
      ...{ runMs: () => null, newRunId: never },
    });
    const stop = (runId: string | null): Promise<unknown> =>
      service.stop({ tenant: null, runId }).catch((error: unknown) => error);
    return { stop, asked: () => asked, bodies };
  };

  it('is tried again while nothing could be sent: nothing has happened', async () => {
    const { stop, asked } = forwarding(['PEER_UNREACHABLE', 'PEER_UNREACHABLE']);
    expect(await stop('run-1')).toEqual({ runId: 'run-1' });
    expect(asked()).toBe(3);
  });

  it.each(['PEER_LOST', 'TIMEOUT', 'OUTCOME_UNKNOWN'] as const)(
    'is tried again when nobody knows whether it was made (%s): it names the run, so it can be made twice',
    async (code) => {
      const { stop, asked, bodies } = forwarding([code]);
      expect(await stop('run-1')).toEqual({ runId: 'run-1' });
      expect(asked()).toBe(2);
      expect(new Set(bodies)).toEqual(new Set(['{"tenant":null,"runId":"run-1"}']));
    },
  );
});

describe('a stop of whichever run is on', () => {
  const service = (state: string, bodies: string[]): ReturnType<typeof createRunService> => {
    const consensus = {
      status: () => ({ nodeId: 'a', leaderId: 'b' }),
      handle: () => undefined,
      request: (_to: string, method: string, body: Uint8Array) => {
        bodies.push(`${method} ${new TextDecoder().decode(body)}`);
        return Promise.resolve(new TextEncoder().encode(JSON.stringify({ runId: 'run-7', state })));
      },
    } as unknown as Consensus<CommandResult>;
    const never = (): never => {
      throw new Error('not asked here');
    };
    return createRunService({
      calls: createLeaderCalls({ consensus, clock: systemClock, leading: () => null }),
      ...{ runMs: () => null, newRunId: never },
    });
  };

  it('names it first, so that asking again never ends the one after it', async () => {
    const bodies: string[] = [];
    await service('running', bodies).stop({ tenant: 'shop', runId: null });
    expect(bodies).toEqual(['run.progress {}', 'run.stop {"tenant":"shop","runId":"run-7"}']);
  });

  it.each(['finished', 'aborted'])('is refused when the last one is %s', async (state) => {
    const bodies: string[] = [];
    await expect(service(state, bodies).stop({ tenant: null, runId: null })).rejects.toMatchObject({
      code: 'RUN_NOT_FOUND',
    });
    expect(bodies).toEqual(['run.progress {}']);
  });
});

describe('a stop that comes to the leader', () => {
  const stop = (id: string, phase: string, tenant: string | null = null): Promise<unknown> => {
    const run = { id, phase: { name: phase }, plan: { metadata: { tenant: 'shop' } } };
    const context = { state: () => ({ run }) } as unknown as LeaderContext;
    return stopAsLeader(context, { tenant, runId: 'run-1' });
  };

  it('finds a run that is over as it was wished', async () => {
    expect(await stop('run-1', 'aborted')).toEqual({ runId: 'run-1' });
  });

  it('does not touch another run, nor one of another tenant', async () => {
    await expect(stop('run-2', 'running')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(stop('run-1', 'running', 'bank')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
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
