import { describe, expect, it } from 'vitest';
import type { CreateGenerators, Generators } from '../../../node/src/agent/generators.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import { exitCodeOf } from '../../../node/src/results/build-report.ts';
import { createMeasurements, encodeCut } from '../../../node/src/results/encoding.ts';
import { emptyBooks } from '../../../node/src/results/measurements.ts';
import { runStandalone, type StandaloneOptions } from '../../../node/src/standalone/run.ts';
import { VirtualClock } from '../generator/fixtures.ts';

const text = `version: "1.0"
config: { baseUrl: "http://127.0.0.1:17400", duration: 10s }
load: { model: rps, target: 40 }
scenarios:
  - name: a
    steps:
      - name: one
        request: { method: GET, path: / }
`;
const parsed = parsePlan(text);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { plan } = parsed;

/** Generators whose every word a test says. */
function scripted(
  script: Partial<Generators> & { onStart?: (listener: Parameters<CreateGenerators>[1]) => void },
): CreateGenerators {
  return (_job, listener) => ({
    prepare: () => Promise.resolve({ ok: true, generators: 1 }),
    living: () => 1,
    start: () => script.onStart?.(listener),
    setTables: () => undefined,
    setHorizon: () => undefined,
    drain: () => undefined,
    close: () => Promise.resolve(),
    ...script,
  });
}

const options = (createGenerators: CreateGenerators, signal = new AbortController().signal): StandaloneOptions => ({
  plan,
  planText: text,
  generators: 1,
  metricsAddress: null,
  hostNames: [],
  onProgress: () => undefined,
  signal,
  log: silentLog,
  createGenerators,
});

describe('the horizon of a standalone run', () => {
  /** What the generators of a run were told, in order, under a clock that a test moves. */
  async function told(seconds: number, stopAtMs: number | null) {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const horizons: { readonly atMs: number; readonly horizonMs: number }[] = [];
    const drains: { readonly atMs: number }[] = [];
    const started = Promise.withResolvers<number>();
    const create = scripted({
      start: (startMs) => started.resolve(startMs),
      setHorizon: (horizonMs) => horizons.push({ atMs: clock.nowMs(), horizonMs }),
      drain: (atMs) => drains.push({ atMs }),
    });
    const running = runStandalone({ ...options(create, stop.signal), clock });
    const startMs = await started.promise;
    if (stopAtMs !== null) {
      clock.advanceTo(startMs + stopAtMs);
      stop.abort();
    }
    clock.advanceTo(startMs + seconds * 1_000);
    clock.advanceTo(startMs + 120_000);
    await running;
    return { startMs, horizons, drains };
  }

  it('moves ahead of the run, so that a process that stands still does not leave its generators firing', async () => {
    const { startMs, horizons } = await told(10, null);
    expect(horizons.length).toBeGreaterThan(20);
    for (const { atMs, horizonMs } of horizons.slice(0, -1)) {
      expect(horizonMs).toBeLessThanOrEqual(Math.ceil(Math.max(0, atMs - startMs)) + 1_000);
    }
    expect(horizons.at(-1)!.horizonMs).toBe(10_000);
    const gapsMs = horizons.slice(1).map(({ atMs }, index) => atMs - horizons[index]!.atMs);
    expect(Math.max(...gapsMs.slice(1))).toBeLessThan(500);
  });

  it.each([0, 1, 130, 4_321, 9_900])(
    'is where a stop ends the load: no generator can have fired beyond it, however late it hears (stopped at %i ms)',
    async (stopAtMs) => {
      const { horizons, drains } = await told(10, stopAtMs);
      const furthestMs = Math.max(...horizons.map(({ horizonMs }) => horizonMs));
      expect(drains).toEqual([{ atMs: furthestMs }]);
      expect(furthestMs).toBeLessThanOrEqual(stopAtMs + 1_000);
    },
  );
});

describe('a standalone run whose generators fail', () => {
  it('ends when the last one has died, and counts what they left as lost, by name', async () => {
    const report = await runStandalone(
      options(
        scripted({
          living: () => 0,
          onStart: (listener) => {
            const books = { ...emptyBooks(), fired: 40, answered: 38 };
            listener.onCut(
              encodeCut({ number: 0, final: false, books, inFlight: 2, measurements: createMeasurements(plan) }),
            );
            listener.onFault('generator 1 of 1 is gone');
            // After every step of the start: the run is over, whatever comes later.
            queueMicrotask(() => listener.onFault('generator 1 of 1 is gone'));
          },
        }),
      ),
    );
    expect(report.books).toMatchObject({ planned: 400, fired: 40, lost: 360, unanswered: 2, balanced: true });
    expect(report.nodes[0]).toMatchObject({ state: 'lost', lost: { fromMs: 1_000, toMs: 10_000, arrivals: 360 } });
    expect(exitCodeOf(report)).toBe(121);
  });

  it('names the step that could not be prepared', async () => {
    const failed = scripted({
      prepare: () => Promise.resolve({ ok: false, step: 'resolve names', message: 'no such host' }),
    });
    await expect(runStandalone(options(failed))).rejects.toThrow(
      new TuttiError('GENERATOR_FAILED', "the run could not be prepared, step 'resolve names': no such host"),
    );
  });

  it('is aborted, not failed, when it is stopped while it prepares', async () => {
    const stop = new AbortController();
    const prepared = Promise.withResolvers<Awaited<ReturnType<Generators['prepare']>>>();
    const slow = scripted({
      prepare: () => prepared.promise,
      close: () => Promise.resolve(prepared.resolve({ ok: false, step: 'prepare', message: 'closed' })),
    });
    const running = runStandalone(options(slow, stop.signal));
    stop.abort();
    const report = await running;
    expect(report.run).toMatchObject({ state: 'aborted', ended: 'stopped' });
    expect(report.verdict).toEqual({ kind: 'aborted', reasons: ['it was stopped'] });
    expect(report.books).toMatchObject({ fired: 0, balanced: true });
    expect(report.books.planned).toBeGreaterThan(0);
    expect(report.books.notFired).toBe(report.books.planned);
    expect(exitCodeOf(report)).toBe(105);
  });
});
