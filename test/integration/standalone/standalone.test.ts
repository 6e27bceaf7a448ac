import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runStandalone, type StandaloneOptions } from '../../../node/src/standalone/run.ts';
import { renderMetrics } from '../../../node/src/metrics/render.ts';
import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import { openMetricsPort } from '../../../node/src/standalone/metrics-port.ts';
import { Tally } from '../../../node/src/standalone/tally.ts';
import { buildReport, exitCodeOf } from '../../../node/src/results/build-report.ts';
import { renderReport } from '../../../node/src/results/report-text.ts';
import type { RunProgress } from '../../../node/src/results/progress.ts';
import { openTarget, planFor, recordingLog } from './target.ts';

let target: Awaited<ReturnType<typeof openTarget>>;
beforeEach(async () => {
  target = await openTarget();
});
afterEach(() => target.close());

function options(of: Parameters<typeof planFor>[1] = {}): StandaloneOptions & { readonly seen: RunProgress[] } {
  const { text, plan } = planFor(target.port, of);
  const seen: RunProgress[] = [];
  return {
    plan,
    planText: text,
    generators: 2,
    metricsAddress: null,
    hostNames: [],
    onProgress: (progress) => seen.push(progress),
    signal: new AbortController().signal,
    log: recordingLog(),
    seen,
  };
}

describe('a standalone run', () => {
  it('sends the planned load and nothing else, and its books balance', async () => {
    const given = options();
    const report = await runStandalone(given);
    expect(report.books).toMatchObject({ planned: 100, fired: 100, answered: 100, unanswered: 0, balanced: true });
    expect(report.run).toMatchObject({ state: 'finished', ended: 'completed', durationMs: 2_000 });
    expect(target.requests()).toBe(100);
    // Measured by the generators, so hardly ever exactly 0.
    expect(report.nodes[0]!.startedLateMs).toBeGreaterThan(0);
    expect(given.seen.at(-1)).toMatchObject({ state: 'finished', percent: 100, requests: 100 });
  });

  it('runs a closed model with as many users as the plan says, however many generators there are', async () => {
    const report = await runStandalone({ ...options({ load: '{ model: concurrent }', workers: 1 }), generators: 4 });
    expect(report.books).toMatchObject({ planned: null, balanced: true });
    expect(report.books.answered).toBe(target.requests());
    expect(target.requests()).toBeGreaterThan(10);
  });

  it('ends in order when it is stopped: what was planned until then was fired, and the exit code says so', async () => {
    const stop = new AbortController();
    const given = options({ seconds: 60 });
    const report = await runStandalone({
      ...given,
      signal: stop.signal,
      onProgress: (progress) => progress.elapsedMs > 900 && stop.abort(),
    });
    expect(report.run).toMatchObject({ state: 'finished', ended: 'stopped' });
    // Of a minute.
    expect(report.run.durationMs).toBeLessThan(20_000);
    expect(report.books).toMatchObject({ notFired: 0, lost: 0, balanced: true });
    expect(report.books.fired).toBe(target.requests());
    expect(exitCodeOf(report)).toBe(105);
  });

  it('counts the requests it sent again because the target had closed a kept connection under them', async () => {
    let resets = 0;
    const forgetful = createServer((socket) => {
      let requests = 0;
      socket.on('error', () => undefined);
      socket.on('data', () => {
        if (++requests === 1) return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        resets++;
        return socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => forgetful.listen(0, '127.0.0.1', () => resolve()));
    const { text, plan } = planFor((forgetful.address() as AddressInfo).port);
    const report = await runStandalone({ ...options(), plan, planText: text });
    forgetful.close();
    expect(resets).toBeGreaterThan(10);
    expect(report.totals).toMatchObject({ requests: 100, failedRequests: 0, resent: resets });
    expect(report.scenarios[0]!.steps[0]!.resent).toBe(resets);
    expect(renderReport(report, { color: false, width: 100 })).toContain(`sent again  ${resets} requests`);
    expect(renderReport(report, { color: false, width: 100 })).toContain('the target had closed');
    const { text: metrics } = await renderMetrics(report, null);
    expect(metrics).toMatch(new RegExp(`tutti_requests_resent_total\\{.*step="one".*\\} ${resets}\n`));
  });

  it('refuses a metrics port that is in use, before any load', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', () => resolve()));
    const { port } = squatter.address() as AddressInfo;
    await expect(runStandalone({ ...options(), metricsAddress: { host: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      message: expect.stringMatching(/METRICS_ADDR: .* --metrics-addr none$/) as string,
    });
    expect(target.requests()).toBe(0);
    squatter.close();
  });

  it('does not show its metrics to a web page whose name was pointed at this machine', async () => {
    const { plan } = planFor(target.port);
    const input = new Tally(plan, { id: 'r', planHash: 'h' }).reportInput({ state: 'running', ended: null, endMs: 1 });
    const metrics = await openMetricsPort({ host: '127.0.0.1', port: 0 }, ['Load-1.Internal'], () =>
      buildReport(input),
    );
    const statusFor = async (host: string): Promise<number | undefined> => {
      const asked = get({ host: '127.0.0.1', port: metrics.port, path: '/metrics', headers: { host } });
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    expect(await statusFor('evil.example')).toBe(403);
    for (const host of ['localhost:9090', '127.0.0.1', '[::1]:9090', 'load-1.internal:9090'])
      expect(await statusFor(host)).toBe(200);
    await metrics.close();
  });

  it('opens no port but the metrics one, and loads nothing of the cluster', async () => {
    const script = fileURLToPath(new URL('./witness.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, String(target.port)]);
    const { listening, loaded, metrics } = JSON.parse(stdout) as {
      listening: number;
      loaded: string[];
      metrics: string;
    };
    expect(listening).toBe(1);
    expect(metrics).toContain('requests_total');
    const folders = new Set(
      loaded.map((url) => /\/node\/src\/([^/]+)\//.exec(url)?.[1]).filter((name) => name !== undefined),
    );
    expect([...folders].sort()).toEqual(['agent', 'generator', 'lib', 'metrics', 'plan', 'results', 'standalone']);
  });

  it('as a command loads nothing of the cluster either, but how to talk to one', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'tutti-alone-'));
    const [plan, record] = [join(directory, 'plan.yaml'), join(directory, 'loaded')];
    writeFileSync(plan, planFor(target.port, { seconds: 1 }).text);
    const tracing = fileURLToPath(new URL('./loaded.ts', import.meta.url));
    // A busy machine may make its generators late; the code then says that, and what was loaded is the same.
    const unlessLate = (ended: { readonly code?: unknown; readonly stderr: string }): void => {
      if (ended.code === exitCodes.generatorLimited || ended.code === exitCodes.nodesLost) return;
      throw new Error(`ended with ${String(ended.code)}: ${ended.stderr}`);
    };
    await promisify(execFile)(
      'node/bin/tutti',
      ['run', plan, '--generators', '1', '--metrics-addr', '127.0.0.1:0', '--json'],
      { env: { ...process.env, NODE_OPTIONS: `--import=${tracing}`, LOADED_INTO: record } },
    ).catch(unlessLate);
    const text = readFileSync(record, 'utf8');
    rmSync(directory, { recursive: true });
    const loaded = [...text.matchAll(/loaded .*\/node\/src\/([^/\n]+)\/(\S+)/g)].map(
      ([, room, file]) => `${room}/${file}`,
    );
    const rooms = new Set(loaded.map((file) => file.split('/')[0]));
    expect(rooms).toContain('standalone');
    for (const room of [
      'api',
      'cluster',
      'consensus',
      'coordinator',
      'discovery',
      'gcs',
      'node',
      'raft',
      'runtime',
      'source',
      'storage',
      'transport',
    ])
      expect(loaded.filter((file) => file.startsWith(`${room}/`))).toEqual([]);
    expect(text).not.toMatch(/loaded .*\/node_modules\/(google-|gcp-|gaxios)/);
  });
});
