import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tutti } from './support/tutti.ts';

/** A node that waits for a majority: it knows its peers, and of a run it can only say, later, that nobody leads. */
const health = {
  state: 'forming',
  node_id: 'a',
  leader_id: null,
  term: 0,
  peers: 1,
  cluster_formed: false,
  cluster_id: null,
  members: [
    { id: 'a', connected: true },
    { id: 'b', connected: false, reason: 'connect ECONNREFUSED 10.0.0.2:7000' },
  ],
  problems: [{ address: '10.0.0.2:7000', reason: 'the cluster secrets differ' }],
};

describe('a cluster without a leader', () => {
  let server: Server;
  let node: string;
  let asked: string[];
  beforeAll(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/health/cluster') response.end(JSON.stringify(health));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    node = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is shown by `tutti status` with what keeps it from forming, at once', async () => {
    const ended = await tutti(['status', '--node', node]);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toContain('forming, leader unknown');
    expect(ended.stdout).toContain('node   b NOT CONNECTED: connect ECONNREFUSED 10.0.0.2:7000');
    expect(ended.stdout).toContain('problem at 10.0.0.2:7000: the cluster secrets differ');
    expect(ended.stdout).toContain('run      unknown until a leader is elected');
    expect(ended.code).toBe(122);
    expect(asked).toEqual(['/health/cluster']);
  });
});
