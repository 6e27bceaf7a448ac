import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tutti } from './support/tutti.ts';

/** What a node shows of the cluster, one look after the other; the run ends once the last was seen. */
const looks = [
  { leader_id: 'b', problems: [] },
  { leader_id: null, problems: [{ address: 'b', reason: 'no leader can be elected: 2 of 3 members must vote' }] },
  { leader_id: 'c', problems: [] },
];
const run = { runId: 'run-1', state: 'running', elapsedMs: 0, durationMs: 1_000, percent: 0, iterations: { fired: 0 } };
const report = { run: { state: 'finished', ended: 'completed' }, verdict: { kind: 'valid', reasons: [] }, books: {} };

let server: Server;
let node: string;
beforeAll(async () => {
  let seen = 0;
  server = createServer((request, response) => {
    const answer = (body: object, status = 200): void => void response.writeHead(status).end(JSON.stringify(body));
    if (request.method === 'POST') return answer({ run_id: 'run-1', created: true, missing: [] });
    if (request.url === '/result') return answer(report);
    if (request.url === '/health/cluster')
      return answer({ node_id: 'a', term: 1, ...looks[Math.min(seen++, looks.length - 1)] });
    if (seen > looks.length) return answer({ ...run, state: 'finished' });
    answer({ error: { code: 'NO_LEADER', message: 'an election is on', retryable: true } }, 503);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('submit --wait --json says when the majority is lost and who leads after that, beside the JSON', async () => {
  const ended = await tutti(['submit', 'examples/minimal.yaml', '--wait', '--json', '--node', node]);
  expect(ended.code).toBe(0);
  expect(JSON.parse(ended.stdout)).toEqual(report);
  const [lost, back, ...more] = ended.stderr.trimEnd().split('\n');
  expect(lost).toBe(
    'no leader can be elected: 2 of 3 members must vote; until there is one, load goes on up to the horizon only',
  );
  expect(back).toMatch(/^c leads, after \d+\.\d s without a leader$/);
  expect(more).toEqual([]);
});
