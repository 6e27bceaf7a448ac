import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../node/src/cluster/commands.ts';
import type { Consensus, ObservedEvent } from '../../../node/src/consensus/consensus.ts';
import type { LeaderContext } from '../../../node/src/coordinator/context.ts';
import { createRunService } from '../../../node/src/coordinator/run-service.ts';
import { stopRun } from '../../../node/src/coordinator/finish.ts';
import { systemClock } from '../../../node/src/lib/clock.ts';
import { observed } from '../../support/observed.ts';

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
