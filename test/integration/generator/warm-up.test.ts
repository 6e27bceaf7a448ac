import { describe, expect, it, vi } from 'vitest';
import { GeneratorProcess } from '../../../node/src/generator/process.ts';
import type { FromGenerator } from '../../../node/src/generator/protocol.ts';
import { warmUp } from '../../../node/src/generator/warm-up.ts';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { aPlan } from '../../unit/generator/fixtures.ts';

const share = { node: 'a', index: 0, of: 1 };

function prepared(plan: Plan, warm: (plan: Plan) => Promise<unknown>): Promise<FromGenerator> {
  return new Promise((resolve) => {
    new GeneratorProcess(resolve, warm).receive({ kind: 'prepare', plan, seed: 1, share });
  });
}

/** Of this process. A server on a port is a `TCPServerWrap`, one on a local socket is counted among the pipes. */
const open = (kind: string): number => process.getActiveResourcesInfo().filter((each) => each.startsWith(kind)).length;

describe('the warm-up of a generator', () => {
  it.each([{ model: 'rps', ratePerSecond: 1 } as const, { model: 'concurrent' } as const])(
    'carries out iterations of the model $model, opens no port and leaves nothing open',
    async (load) => {
      const [ports, pipes] = [open('TCP'), open('Pipe')];
      const warming = warmUp(aPlan({ load, workers: 1 }));
      expect([open('TCP'), open('Pipe')]).toEqual([ports, pipes + 1]);
      expect(await warming).toBeGreaterThan(50);
      await vi.waitFor(() => expect([open('TCP'), open('Pipe')]).toEqual([ports, pipes]));
    },
  );

  it('is over when the generator says that it is prepared', async () => {
    let isWarm = false;
    const message = await prepared(aPlan(), async (plan) => {
      await warmUp(plan);
      isWarm = true;
    });
    expect([message, isWarm]).toEqual([{ kind: 'prepared', cold: null }, true]);
  });

  it('that fails does not fail the run: the generator says why it is cold', async () => {
    const message = await prepared(aPlan(), () => Promise.reject(new Error('no socket to be had')));
    expect(message).toEqual({ kind: 'prepared', cold: 'no socket to be had' });
  });
});
