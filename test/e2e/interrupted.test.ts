import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** A node on which a run is on, and stays on. */
const progress = {
  runId: 'run-1',
  state: 'running',
  elapsedMs: 1000,
  durationMs: 60_000,
  percent: 1,
  iterations: { fired: 1, answered: 1, failed: 0, dropped: 0, inFlight: 0 },
  requests: 1,
  failedRequests: 0,
  iterationsPerSecond: 1,
  responseMsP50: 1,
  responseMsP99: 1,
  nodes: [{ node: 'a', inStripes: true }],
};

let server: Server;
let node: string;
beforeAll(async () => {
  server = createServer((request, response) =>
    response.end(
      JSON.stringify(request.method === 'POST' ? { run_id: 'run-1', created: true, missing: [] } : progress),
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('submit --wait, interrupted, says that the cluster goes on sending load and how to stop it', async () => {
  const child = spawn('node/bin/tutti', ['submit', 'examples/minimal.yaml', '--wait', '--node', node], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  let stderr = '';
  let interrupted = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (!interrupted && stderr.includes('running')) interrupted = child.kill('SIGINT');
  });
  const [code] = (await closed) as [number | null];
  expect(stderr).toContain(`run-1 goes on without being watched; to end it: tutti stop --node ${node}\n`);
  expect(code).toBe(130);
});
