import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { tutti } from './support/tutti.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-any-node-'));
afterAll(() => rmSync(directory, { recursive: true }));
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const health = { node_id: 'b', leader_id: null, cluster_formed: false, term: 0, members: [], problems: [] };
const node: RequestListener = (_request, response) => void response.end(JSON.stringify(health));
const hanging: RequestListener = () => undefined;
const shop: RequestListener = (_request, response) =>
  void response.writeHead(404).end(JSON.stringify({ error: 'nothing at GET /run' }));
const cutting: RequestListener = (_request, response) =>
  void response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy());

describe('the command line asks the next node', () => {
  it.each([
    ['hangs', hanging],
    ['cuts its answers', cutting],
    ['is another program', shop],
  ])('where one %s', async (_, listener) => {
    const ended = await tutti(['status', '--node', `${await serve(listener)},${await serve(node)}`]);
    expect(ended).toMatchObject({ stderr: '', stdout: expect.stringContaining('asked b') as string });
  });

  it('and where there is none says so in words, without showing where in its code', async () => {
    const ended = await tutti(['result', '--node', await serve(shop), '--patience', '0']);
    expect(ended.stderr).toMatch(
      /^tutti: no node could answer GET \/result:\n {2}http:.* is it one\?\nGive reachable.*\n$/,
    );
    expect(ended.code).toBe(122);
  });

  it('names the key by which a submission of unknown fate can be repeated', async () => {
    const args = ['submit', 'examples/minimal.yaml', '--patience', '0', '--idempotency-key', 'tuesday'];
    const ended = await tutti([...args, '--node', await serve(hanging)]);
    expect(ended.stderr).toContain('without a second run: --idempotency-key tuesday\n');
    expect(ended.code).toBe(122);
  });

  it('takes empty variables as not given', async () => {
    const none = { TUTTI_NODES: '', API_AUTH_TOKEN: '', API_AUTH_TOKEN_FILE: '' };
    // Whoever listens on the default port of this machine, the variable was not taken for a list.
    const byDefault = await tutti(['status', '--patience', '0'], none);
    expect(byDefault.stderr).not.toContain('is not a URL');
    expect(byDefault.code).not.toBe(104);
    const sent: unknown[] = [];
    const url = await serve((request, response) => {
      sent.push(request.headers.authorization);
      node(request, response);
    });
    await tutti(['status'], { ...none, TUTTI_NODES: url });
    expect(sent).toEqual([undefined]);
  });

  it('says of a token that no header can carry, at once', async () => {
    const file = join(directory, 'token');
    writeFileSync(file, 'sixteen-characters\nand-a-second-line\n');
    for (const [args, environment, where] of [
      [[], { API_AUTH_TOKEN: 'one\ntwo' }, 'API_AUTH_TOKEN'],
      [['--token-file', file], {}, `--token-file: ${file}`],
    ] as const) {
      const ended = await tutti(['stop', '--node', await serve(node), ...args], environment);
      expect(ended.stderr).toBe(
        `${where}: must be one line of visible ASCII characters, or no HTTP header could carry it\n`,
      );
      expect(ended.code).toBe(104);
    }
  });

  it('stops the run that was on, though nobody knew at first whether it had', async () => {
    const stops: string[] = [];
    const answers = [504, 200];
    const url = await serve((request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/run') return void response.end('{"runId":"run-1","state":"running"}');
      request.setEncoding('utf8').on('data', (body: string) => {
        stops.push(body);
        const status = answers[stops.length - 1] ?? 500;
        const error = { code: 'OUTCOME_UNKNOWN', message: 'the leader was lost', retryable: false };
        response.writeHead(status).end(JSON.stringify(status === 200 ? { stopped: true, run_id: 'run-1' } : { error }));
      });
    });
    const ended = await tutti(['stop', '--node', url]);
    expect([ended.code, ended.stdout]).toEqual([0, 'stopping run-1\n']);
    expect(stops).toEqual(Array(2).fill('{"run_id":"run-1","tenant":null}'));
  });
});
