import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../node/src/lib/log.ts';
import type { RunningNode } from '../../../node/src/node/frame.ts';
import { startNode } from '../../../node/src/node/start.ts';
import { readSettings } from '../../../node/src/settings/read.ts';
import { freePorts } from '../../support/ports.ts';
import { type Asked, FakeConsul, kvBody } from '../../unit/consul/fake-consul.ts';

/** A Consul that takes this long to register a leader; a node that does not wait for it asks for the plan within milliseconds. */
const registrationMs = 300;
const patience = { timeout: 20_000, interval: 10 };

let consul: FakeConsul;
let node: RunningNode | null = null;
let directory: string;
beforeEach(async () => {
  consul = await FakeConsul.start();
  directory = mkdtempSync(join(tmpdir(), 'tutti-announced-'));
});
afterEach(async () => {
  await node?.close();
  await consul.stop();
  rmSync(directory, { recursive: true });
  node = null;
});

/** Of a cluster of one: a key has what was put there, and who waits for a change waits. */
function answerAs(keys: Map<string, string>, asked: Asked, hold: (asked: Asked) => void): void {
  const { path, query, method, body } = asked;
  if (!path.startsWith('/v1/kv/'))
    return method === 'PUT' || query.get('index') === '0' ? asked.answer(200, 1, '[]') : hold(asked);
  if (method === 'PUT') keys.set(path, body);
  if (method !== 'GET') return asked.answer(200, null, 'true');
  const value = keys.get(path);
  if (Number(query.get('index') ?? 0) >= (value === undefined ? 1 : 2)) return hold(asked);
  return value === undefined ? asked.answer(404, 1, '') : asked.answer(200, 2, kvBody(value, 2));
}

it('a leader asks for its plan only once Consul has its tag', async () => {
  const keys = new Map<string, string>();
  let held: Asked[] = [];
  let isAnnounced = false;
  const announcedBefore: boolean[] = [];
  consul.onAsked = (asked) => {
    const isLeaders = asked.path.endsWith('/register') && asked.body.includes('"leader"');
    if (asked.path === '/v1/kv/loadtest/config') announcedBefore.push(isAnnounced);
    const answer = (): void => {
      if (isLeaders) isAnnounced = true;
      answerAs(keys, asked, (each) => held.push(each));
      if (asked.method === 'GET' || !asked.path.startsWith('/v1/kv/')) return;
      const waiting = held;
      held = [];
      for (const each of waiting) answerAs(keys, each, (still) => held.push(still));
    };
    if (isLeaders) setTimeout(answer, registrationMs);
    else answer();
  };
  const [raft, api] = await freePorts(2);
  const settings = readSettings(
    {},
    {
      ...{ discoveryMode: 'consul', expectNodes: '1', configSource: 'consul-kv', nodeId: 'a', generators: '1' },
      ...{ consulAddress: consul.address.url.host, dataDirectory: join(directory, 'data') },
      ...{ bindAddress: `127.0.0.1:${raft}`, healthAddress: `127.0.0.1:${api}` },
    },
  );
  node = await startNode(settings, {
    ...{ log: silentLog, identify: () => undefined, stopped: new AbortController().signal },
    onFatal: (error) => expect.fail(String(error)),
  });
  await vi.waitFor(() => expect(announcedBefore).not.toEqual([]), patience);
  expect(announcedBefore[0]).toBe(true);
});
