import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeNodes } from '../../support/ports.ts';
import { Incrementer } from './incrementer.ts';
import type { Reply, Status } from './node.ts';
import { KeyValueNode } from './node.ts';

/** What a machine takes that is busy with other things, several times over. */
const patience = { timeout: 25_000, interval: 20 };
const json = { 'content-type': 'application/json' };

let dataDir: string;
let started: KeyValueNode[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-key-value-'));
});

afterEach(async () => {
  await Promise.all(started.map((node) => node.kill()));
  started = [];
  await rm(dataDir, { recursive: true });
});

async function start(id: string, nodes: string): Promise<KeyValueNode> {
  const node = await KeyValueNode.start(id, nodes, dataDir);
  started.push(node);
  return node;
}

/** Before all are bound, the death of one can leave too few whose votes count (the design's rule for founding). */
async function startThree(nodes: string): Promise<KeyValueNode[]> {
  const members = await Promise.all(['a', 'b', 'c'].map((id) => start(id, nodes)));
  await expect
    .poll(async () => (await statuses(members)).map(({ membership }) => membership?.unmet), patience)
    .toEqual([0, 0, 0]);
  await leaderOf(members);
  return members;
}

const statuses = (nodes: readonly KeyValueNode[]): Promise<Status[]> => Promise.all(nodes.map((node) => node.status()));

async function leaderOf(nodes: readonly KeyValueNode[]): Promise<KeyValueNode> {
  const leads = async (): Promise<string | undefined> => {
    return (await statuses(nodes)).find(({ leading }) => leading)?.nodeId;
  };
  await expect.poll(leads, patience).toBeDefined();
  const id = await leads();
  return nodes.find((node) => node.id === id) ?? leaderOf(nodes);
}

/** Waits until all members have applied the same entries, and returns the digest each of them has of its state. */
async function digestsWhenEven(nodes: readonly KeyValueNode[]): Promise<string[]> {
  let seen: Status[] = [];
  const indexes = async (): Promise<number> => {
    seen = await statuses(nodes);
    return new Set(seen.map(({ appliedIndex }) => appliedIndex)).size;
  };
  await expect.poll(indexes, patience).toBe(1);
  return seen.map(({ digest }) => digest);
}

/** Retries what is refused (503: nothing happened), as any client would. */
async function ask(node: KeyValueNode, method: string, path: string, body?: string): Promise<Reply> {
  let reply = await node.ask(method, path, body, json);
  await expect
    .poll(async () => {
      if (reply.status === 503) reply = await node.ask(method, path, body, json);
      return reply.status;
    }, patience)
    .not.toBe(503);
  return reply;
}

const timesIn = (tokens: readonly string[], wanted: string): number => tokens.filter((it) => it === wanted).length;

describe('three key-value nodes', () => {
  it('take writes through any of them, and a read through another sees each acknowledged write', async () => {
    const [a, b, c] = (await startThree(await freeNodes('a', 'b', 'c'))) as [KeyValueNode, KeyValueNode, KeyValueNode];
    for (const [from, to] of [
      [a, b],
      [b, c],
      [c, a],
    ] as const) {
      expect((await ask(from, 'PUT', '/keys/colour', `of ${from.id} ü`)).body).toMatchObject({ kind: 'written' });
      expect((await ask(to, 'GET', '/keys/colour')).body).toMatchObject({ kind: 'value', value: `of ${from.id} ü` });
      expect((await ask(from, 'PUT', `/sets/seen/${from.id}`)).body).toMatchObject({ kind: 'written' });
    }
    const again = await ask(a, 'PUT', '/sets/seen/b');
    expect([again.status, again.body]).toMatchObject([200, { kind: 'unchanged', because: 'present' }]);
    expect((await ask(b, 'GET', '/sets/seen')).body.members).toEqual(['a', 'b', 'c']);

    const swap = (expected: string | null): Promise<Reply> =>
      ask(b, 'POST', '/keys/colour/compare-and-set', JSON.stringify({ expected, value: 'red' }));
    expect(await swap(null)).toMatchObject({ status: 409, body: { because: 'mismatch' } });
    expect(await swap('of c ü')).toMatchObject({ status: 200, body: { kind: 'written' } });
    expect(await ask(c, 'GET', '/keys/none')).toMatchObject({ status: 404, body: { value: null } });
    expect(new Set(await digestsWhenEven([a, b, c])).size).toBe(1);
  });

  it('execute each acknowledged increment once and each unknown one at most once when the leader is killed', async () => {
    const nodes = await freeNodes('a', 'b', 'c');
    const members = await startThree(nodes);
    const clients = Array.from(
      { length: 24 },
      (_, at) =>
        new Incrementer({
          ...{ name: `client${at}`, register: `r${at % 12}`, nodes: members, firstNode: at },
          // Each register has one client of each kind.
          repeats: at >= 12,
        }),
    );
    const acknowledged = (): number => clients.reduce((sum, client) => sum + client.acknowledged.length, 0);
    let done = false;
    const running = Promise.all(clients.map((client) => client.run(() => done)));
    await expect.poll(acknowledged, patience).toBeGreaterThan(80);
    const victim = await leaderOf(members);
    await victim.kill();
    const before = acknowledged();
    const survivors = members.filter((node) => node !== victim);
    await leaderOf(survivors);
    await expect.poll(acknowledged, patience).toBeGreaterThan(before + 80);
    done = true;
    await running;

    const returned = await start(victim.id, nodes);
    const all = [...survivors, returned];
    for (const register of new Set(clients.map((client) => client.register))) {
      const tokens = ((await ask(returned, 'GET', `/keys/${register}`)).body.value as string).split(' ');
      const increments = clients.flatMap((client) => client.increments).filter((it) => it.register === register);
      for (const { token, fate } of increments) {
        const times = timesIn(tokens, token);
        if (fate === 'acknowledged') expect([token, times]).toEqual([token, 1]);
        else expect([token, times <= 1]).toEqual([token, true]);
      }
      expect(tokens.filter((token) => !increments.some((it) => it.token === token))).toEqual([]);
    }
    // A client that repeats by request id is never left in doubt.
    const careful = clients.filter((_, at) => at >= 12).flatMap(({ increments }) => increments);
    expect(careful.filter(({ fate }) => fate === 'unknown')).toEqual([]);
    expect(new Set(await digestsWhenEven(all)).size).toBe(1);
  });

  it('stop in order on SIGTERM, and know after a restart of all what they knew before', async () => {
    const nodes = await freeNodes('a', 'b', 'c');
    const members = await startThree(nodes);
    const writes = Array.from({ length: 60 }, (_, at) => ask(members[at % 3]!, 'PUT', `/keys/k${at}`, `value ${at}`));
    expect((await Promise.all(writes)).map(({ status }) => status)).toEqual(Array(60).fill(200));
    const before = await digestsWhenEven(members);
    expect(await Promise.all(members.map((node) => node.stop()))).toEqual([0, 0, 0]);

    const restarted = await startThree(nodes);
    expect(await ask(restarted[1]!, 'GET', '/keys/k59')).toMatchObject({ body: { value: 'value 59' } });
    expect(await digestsWhenEven(restarted)).toEqual(before);
  });

  it('answer within their deadline when the majority is gone, and count a repeated request id once afterwards', async () => {
    const nodes = await freeNodes('a', 'b', 'c');
    const members = await startThree(nodes);
    const leader = await leaderOf(members);
    const others = members.filter((node) => node !== leader);
    await ask(leader, 'PUT', '/keys/k', 'before');
    await Promise.all(others.map((node) => node.kill()));
    const [lone, after] = await Promise.all([
      leader.ask('PUT', '/sets/s/lone', undefined, { 'request-id': 'r1' }),
      leader.ask('GET', '/keys/k'),
    ]);
    // Appended by a leader that could not commit it, or refused by one that had noticed already.
    expect(['OUTCOME_UNKNOWN', 'NO_LEADER', 'NOT_LEADER']).toContain(lone.body.code);
    expect([503, 504]).toContain(lone.status);
    expect([503, 504]).toContain(after.status);
    await expect.poll(async () => (await leader.ask('PUT', '/keys/k', 'x')).body.code, patience).toBe('NO_LEADER');

    const back = await start(others[0]!.id, nodes);
    await leaderOf([leader, back]);
    const repeated = await leader.ask('PUT', '/sets/s/lone', undefined, { 'request-id': 'r1' });
    expect(repeated.body).toMatchObject({ kind: 'written' });
    expect((await ask(back, 'GET', '/sets/s')).body.members).toEqual(['lone']);
  });
});

describe('one key-value node', () => {
  it('answers the request under way when it is told to stop, takes no other, and ends with code 0', async () => {
    const node = await start('a', await freeNodes('a'));
    await leaderOf([node]);
    const headers = { expect: '100-continue', 'content-length': 5 };
    const underWay = request(`${node.url}/keys/k`, { method: 'PUT', headers, agent: false });
    const answered = once(underWay, 'response');
    underWay.flushHeaders();
    // From here on the server has the request, and waits for its body.
    await once(underWay, 'continue');
    const stopped = node.stop();
    const refused = (): Promise<unknown> =>
      node.status().catch((error: unknown) => (error as { cause: unknown }).cause);
    await expect.poll(refused, patience).toMatchObject({ code: 'ECONNREFUSED' });
    underWay.end('value');
    const [response] = (await answered) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await stopped).toBe(0);
  });

  it('is a cluster of its own, and knows after SIGKILL what it acknowledged', async () => {
    const nodes = await freeNodes('a');
    const node = await start('a', nodes);
    await leaderOf([node]);
    for (let at = 0; at < 20; at++) await ask(node, 'PUT', `/sets/numbers/${at}`);
    await node.kill();
    const again = await start('a', nodes);
    await leaderOf([again]);
    expect((await ask(again, 'GET', '/sets/numbers')).body.members).toEqual(
      Array.from({ length: 20 }, (_, at) => `${at}`),
    );
  });

  it('refuses what it cannot keep, by status and message, and goes on', async () => {
    const node = await start('a', await freeNodes('a'));
    await leaderOf([node]);
    const messageOf = async (...asked: Parameters<KeyValueNode['ask']>): Promise<[number, unknown]> => {
      const { status, body } = await node.ask(...asked);
      return [status, body.message];
    };
    const contains = (text: string): unknown => expect.stringContaining(text);
    const swap = '/keys/k/compare-and-set';
    expect(await messageOf('PUT', '/keys/k', 'x'.repeat(1024 * 1024))).toEqual([413, contains('bytes')]);
    expect(await messageOf('PUT', '/keys/k', 'x'.repeat(64 * 1024 + 1))).toEqual([400, contains('at most 65536')]);
    expect(await messageOf('PUT', `/keys/${'k'.repeat(257)}`, 'v')).toEqual([400, contains('1 to 256 bytes')]);
    expect(await messageOf('PUT', '/keys/', 'v')).toEqual([400, contains('1 to 256 bytes')]);
    expect(await messageOf('PUT', '/keys/k?ttl=5', 'v')).toEqual([400, contains('no query parameters')]);
    expect(await messageOf('PUT', '/keys/%ff', 'v')).toEqual([400, contains('percent-encoded')]);
    expect(await messageOf('POST', swap, '{', json)).toEqual([400, contains('not JSON')]);
    expect(await messageOf('POST', swap, '{"value":"v"}', json)).toEqual([400, contains('"expected"')]);
    expect(await messageOf('POST', swap, 'null', json)).toEqual([400, contains('"expected"')]);
    expect(await messageOf('DELETE', '/keys/k')).toEqual([404, contains('DELETE /keys/k')]);
    expect(await messageOf('PUT', '/keys/k', 'v', { origin: 'http://evil.example' })).toEqual([
      403,
      contains('web pages'),
    ]);
    expect(await messageOf('GET', '/keys/k')).toEqual([404, undefined]);
    expect((await ask(node, 'PUT', '/keys/k', 'v')).status).toBe(200);
  });

  it('does not start with settings it cannot keep, and says which', async () => {
    const fail = async (...options: string[]): Promise<string> => {
      const node = KeyValueNode.spawn('x', options);
      started.push(node);
      expect(await node.ended()).toBe(1);
      return node.output;
    };
    const data = ['--data', join(dataDir, 'x')];
    const http = ['--http', '127.0.0.1:0'];
    expect(await fail('--id', 'a')).toContain('usage: ');
    expect(await fail('--nope')).toContain("Unknown option '--nope'");
    expect(await fail('--id', 'x', '--nodes', 'a=127.0.0.1:17714', ...http, ...data)).toContain('nodes names no "x"');
    expect(await fail('--id', 'a', '--nodes', 'a=127.0.0.1:17714', '--http', '0.0.0.0:0', ...data)).toContain(
      'no passwords',
    );
  });
});
