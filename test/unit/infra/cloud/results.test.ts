import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { result } from '../../../../infra/src/cloud/commands/result.ts';
import { upload } from '../../../../infra/src/cloud/commands/upload.ts';
import { buildReport } from '../../../../node/src/results/build-report.ts';
import type { RunReport } from '../../../../node/src/results/report.ts';
import { fakeContext, FakeStorage } from '../../../support/cloud/fake-context.ts';
import { input } from '../../results/sample.ts';

const planText = `version: "1.0"
config: { baseUrl: "http://target.example", duration: 20s }
load: { model: rps, target: 5 }
scenarios: [{ name: a, steps: [{ request: { method: GET, path: "/" } }] }]
`;
const options = { timeout: '60' };
let storage: FakeStorage;
let printed: string[];
let folder: string;
let planFile: string;
beforeEach(() => {
  storage = new FakeStorage();
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
  folder = mkdtempSync(join(tmpdir(), 'tutti-cloud-'));
  planFile = join(folder, 'plan.yaml');
  writeFileSync(planFile, planText);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** As a leader writes it; of a run that lost a node, so that its exit code is 121. */
const put = (name: string, submission: string): string => {
  const given = input();
  const lost = { fromMs: 1_000, toMs: 2_000, arrivals: 100 };
  const nodes = given.nodes.map((node) => ({ ...node, state: 'lost' as const, lost }));
  const report = buildReport({ ...given, nodes, run: { ...given.run, submission } });
  return storage.put('my-results', name, JSON.stringify(report));
};

describe('result', () => {
  it('prints the newest, by the time of the submission in its name, and ends as the run did', async () => {
    put('2026-11-22T010000Z-run-b.json', 'x#2');
    put('2026-11-22T000000Z-run-a.json', 'x#1');
    storage.put('my-results', 'notes.txt', 'not a result');
    const { context, progress } = fakeContext({ storage });
    expect(await result.run(context, [], options)).toBe(121);
    expect(progress).toEqual(['gs://my-results/2026-11-22T010000Z-run-b.json']);
    expect(printed.join('\n')).toContain('DEGRADED');
  });

  it('prints that of a run as JSON, and the names of all', async () => {
    put('2026-11-22T010000Z-run-b.json', 'x#2');
    put('2026-11-22T000000Z-run-a.json', 'x#1');
    const { context, results } = fakeContext({ storage });
    await result.run({ ...context, say: { ...context.say, json: true } }, [], { ...options, run: 'run-a' });
    expect((JSON.parse(printed[0]!) as RunReport).run.submission).toBe('x#1');
    await result.run(context, [], { ...options, list: true });
    expect(results[0]!.lines).toEqual([
      'gs://my-results/2026-11-22T000000Z-run-a.json',
      'gs://my-results/2026-11-22T010000Z-run-b.json',
    ]);
    await expect(result.run(context, [], { ...options, run: 'run-c' })).rejects.toThrow('no result of run-c');
  });

  it('waits for the result of the plan that is there now, not for any', async () => {
    const generation = storage.put('my-plans', 'plan.yaml', planText);
    put('2026-11-22T010000Z-run-b.json', 'gs://my-plans/plan.yaml#0');
    let pauses = 0;
    const { context } = fakeContext({
      storage,
      pause: () => {
        pauses += 1;
        if (pauses === 2) put('2026-11-22T020000Z-run-c.json', `gs://my-plans/plan.yaml#${generation}`);
        return Promise.resolve();
      },
    });
    await result.run(context, [], { ...options, wait: true });
    expect(pauses).toBe(2);
    // Each was read once, though looked for three times.
    expect(storage.reads).toBe(2);
  });

  it('gives up in time, naming what it waited for', async () => {
    storage.put('my-plans', 'plan.yaml', planText);
    const { context, progress } = fakeContext({ storage });
    await expect(result.run(context, [], { ...options, wait: true })).rejects.toThrow(
      'no result of gs://my-plans/plan.yaml#1 within 60 s; scripts/cloud status',
    );
    expect(progress).toEqual(['waiting for the result of gs://my-plans/plan.yaml#1, 30 s so far']);
  });

  it.each([
    ['there is none', () => undefined, 'there is no result in gs://my-results yet'],
    [
      'it is of another version',
      () => storage.put('my-results', '2026-11-22T000000Z-r.json', '{"schema":"tutti.report/2"}'),
      'no result that this version reads',
    ],
    ['it is no JSON', () => storage.put('my-results', '2026-11-22T000000Z-r.json', 'x'), 'is no JSON'],
  ])('says so where %s', async (_, prepare, message) => {
    prepare();
    const { context } = fakeContext({ storage });
    await expect(result.run(context, [], options)).rejects.toThrow(message);
  });
});

describe('upload', () => {
  it('puts the plan where the leader looks, and says under which generation', async () => {
    const { context, progress, results } = fakeContext({ storage });
    expect(await upload.run(context, [planFile], options)).toBe(0);
    expect(await storage.read('my-plans', 'plan.yaml')).toBe(planText);
    expect(results[0]!.value).toMatchObject({ submission: 'gs://my-plans/plan.yaml#1', generation: '1' });
    expect(results[0]!.lines.at(-1)).toBe('next: scripts/cloud result --wait');
    expect(progress[0]).toMatch(/^the plan sends about \d/);
  });

  it('uploads no plan that a leader would refuse', async () => {
    writeFileSync(planFile, planText.replace('GET', 'GTE'));
    const { context } = fakeContext({ storage });
    await expect(upload.run(context, [planFile], options)).rejects.toThrow(/GTE.*did you mean "GET"/);
    expect(storage.objects.size).toBe(0);
  });

  it('waits for its own result, and writes it to a file', async () => {
    const out = join(folder, 'result.json');
    const { context } = fakeContext({
      storage,
      pause: () => Promise.resolve(void put('2026-11-22T020000Z-run-c.json', 'gs://my-plans/plan.yaml#1')),
    });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    expect(await upload.run(context, [planFile], { ...options, wait: true, out })).toBe(121);
    expect((JSON.parse(readFileSync(out, 'utf8')) as RunReport).run.submission).toBe('gs://my-plans/plan.yaml#1');
  });

  it('waits as long as the plan takes, and so much more', async () => {
    const { context } = fakeContext({ storage });
    await expect(upload.run(context, [planFile], { ...options, wait: true })).rejects.toThrow(/within 8[0-3] s/);
  });
});
