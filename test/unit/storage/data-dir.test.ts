import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { emptyHardState } from '../../../node/src/raft/types.ts';
import { openDataDirectory } from '../../../node/src/storage/data-dir.ts';
import { withoutThisDisk } from '../../../node/src/storage/disk-errors.ts';
import { createWalStore } from '../../../node/src/storage/wal/wal-store.ts';

let parent: string;
let directory: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'tutti-data-'));
  directory = join(parent, 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

const ids = { nodeId: null, fallbackNodeId: 'host-1' };

async function refusal(path: string, given: Parameters<typeof openDataDirectory>[1] = ids): Promise<TuttiError> {
  const outcome = await openDataDirectory(path, given).then(
    () => null,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(TuttiError);
  return outcome as TuttiError;
}

it('makes the directory, an incarnation and a log at the first start, and keeps them', async () => {
  const first = await openDataDirectory(directory, { nodeId: 'node-1', fallbackNodeId: 'host-1' });
  expect(first).toMatchObject({ nodeId: 'node-1', walDirectory: join(directory, 'wal') });
  expect(first.incarnation).toMatch(/^[0-9a-f]{32}$/);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  const log = createWalStore({ directory: first.walDirectory, ...first });
  expect(await log.open()).toEqual({
    hardState: emptyHardState,
    base: { index: 0, term: 0 },
    entries: [],
  });
  await log.close();
  first.close();
  const again = await openDataDirectory(directory, ids);
  expect(again).toMatchObject({ nodeId: 'node-1', incarnation: first.incarnation });
  again.close();
  expect(existsSync(join(directory, 'lock'))).toBe(false);
});

it('takes the fallback id at the first start, and another directory gets another incarnation', async () => {
  const one = await openDataDirectory(directory, ids);
  const two = await openDataDirectory(join(parent, 'other'), ids);
  expect(one.nodeId).toBe('host-1');
  expect(one.incarnation).not.toBe(two.incarnation);
  one.close();
  two.close();
});

it('asks whether the id has a place before it is written down, so a corrected start is not held to it', async () => {
  const check = (nodeId: string): void => {
    throw new TuttiError('SETTINGS_INVALID', `${nodeId} is not in the list`);
  };
  expect((await refusal(directory, { ...ids, check })).message).toBe('host-1 is not in the list');
  expect(readdirSync(parent)).toEqual([]);
  const corrected = await openDataDirectory(directory, { nodeId: 'node-1', fallbackNodeId: 'host-1' });
  expect(corrected.nodeId).toBe('node-1');
  corrected.close();
  expect((await refusal(directory, { ...ids, check })).message).toBe('node-1 is not in the list');
});

it('refuses another id than the kept one, naming both', async () => {
  (await openDataDirectory(directory, { nodeId: 'node-1', fallbackNodeId: 'host-1' })).close();
  const error = await refusal(directory, { nodeId: 'node-2', fallbackNodeId: 'host-1' });
  expect(error.code).toBe('SETTINGS_INVALID');
  expect(error.message).toMatch(/CLUSTER_NODE_ID is "node-2".*"node-1"/);
  expect(error.message).toContain(directory);
  // The refusal does not keep the directory.
  (await openDataDirectory(directory, ids)).close();
});

it('refuses an id that does not fit, and leaves nothing behind', async () => {
  for (const nodeId of ['', 'ä'.repeat(128)]) {
    expect(await refusal(directory, { nodeId, fallbackNodeId: 'host-1' })).toMatchObject({ code: 'SETTINGS_INVALID' });
  }
  expect(readdirSync(parent)).toEqual([]);
});

it('refuses a second opening while the first is open', async () => {
  const first = await openDataDirectory(directory, ids);
  const error = await refusal(directory);
  expect(error.code).toBe('DATA_DIR_UNUSABLE');
  expect(error.message).toContain(`process ${process.pid}`);
  first.close();
});

it('refuses to found a new log where the old one was removed: its votes would be forgotten', async () => {
  (await openDataDirectory(directory, ids)).close();
  rmSync(join(directory, 'wal'), { recursive: true });
  const error = await refusal(directory);
  expect(error.code).toBe('LOG_DAMAGED');
  expect(error.message).toContain(withoutThisDisk);
});

it('refuses a new identity where there is a log', async () => {
  (await openDataDirectory(directory, ids)).close();
  rmSync(join(directory, 'identity.json'));
  const error = await refusal(directory);
  expect(error.code).toBe('DATA_DIR_UNUSABLE');
  expect(error.message).toContain('no identity.json');
  expect(error.message).toContain(withoutThisDisk);
});

it('goes on with a first start that died between the identity and the log, or before', async () => {
  (await openDataDirectory(directory, ids)).close();
  const path = join(directory, 'identity.json');
  const identity = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...identity, logCreated: false }));
  rmSync(join(directory, 'wal'), { recursive: true });
  writeFileSync(`${path}.new`, '{"half');
  const again = await openDataDirectory(directory, ids);
  expect(again.incarnation).toBe(identity.incarnation);
  again.close();
  expect(readdirSync(join(directory, 'wal'))).toHaveLength(1);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ logCreated: true, formatVersion: 1 });
});

it.each([
  ['is not JSON', '{"half'],
  ['has format version 2', '{"formatVersion": 2}'],
  ['has format version undefined', 'null'],
  ['names no node id', '{"formatVersion": 1, "nodeId": ""}'],
  ['names no incarnation', '{"formatVersion": 1, "nodeId": "a", "incarnation": "xyz"}'],
  ['does not say', `{"formatVersion": 1, "nodeId": "a", "incarnation": "${'0'.repeat(32)}"}`],
])('refuses an identity that %s', async (what, text) => {
  mkdirSync(directory);
  writeFileSync(join(directory, 'identity.json'), text);
  const error = await refusal(directory);
  expect(error.code).toBe('DATA_DIR_UNUSABLE');
  expect(error.message).toContain(`identity.json ${what}`);
  expect(error.message).toContain(withoutThisDisk);
});

it('makes the parents too, as any folder is made, and closes the directory itself to others', async () => {
  const deep = join(parent, 'x', 'y', 'data');
  (await openDataDirectory(deep, ids)).close();
  expect(statSync(deep).mode & 0o777).toBe(0o700);
  mkdirSync(join(parent, 'plain'));
  expect(statSync(join(parent, 'x')).mode).toBe(statSync(join(parent, 'plain')).mode);
});

it('says what is wrong with a path and what to do: file as parent, file in the way, no permission', async () => {
  writeFileSync(join(parent, 'file'), '');
  for (const below of [['data'], ['deep', 'data']]) {
    const noParent = await refusal(join(parent, 'file', ...below));
    expect(noParent.code).toBe('DATA_DIR_UNUSABLE');
    expect(noParent.message).toContain('data: ENOTDIR, ');
  }
  const inTheWay = await refusal(join(parent, 'file'));
  expect(inTheWay.code).toBe('DATA_DIR_UNUSABLE');
  expect(inTheWay.message).toMatch(/ENOTDIR, .*choose another path/);
  // Writable for nobody, root included.
  const forbidden = await refusal('/proc/tutti-data');
  expect(forbidden.code).toBe('DATA_DIR_UNUSABLE');
  expect(forbidden.message).toMatch(/\/proc\/tutti-data: E[A-Z]+, .*:/);
});

const vote = { ticket: 1, hardState: { ...emptyHardState, term: 7 }, truncateFrom: null, base: null, entries: [] };

it('forgets a membership but not its name: the next start is the first of another incarnation, also if it was interrupted', async () => {
  const first = await openDataDirectory(directory, { nodeId: 'node-1', fallbackNodeId: 'host-1' });
  const log = createWalStore({ directory: first.walDirectory, ...first });
  await log.open();
  await log.append(vote);
  await log.close();
  const segments = readdirSync(first.walDirectory).map(
    (name) => [name, readFileSync(join(first.walDirectory, name))] as const,
  );
  writeFileSync(join(first.snapshotDirectory, 'left-over'), 'x');
  await first.forget();
  first.close();
  expect([readdirSync(first.walDirectory), readdirSync(first.snapshotDirectory)]).toEqual([[], []]);
  // As if it had ended before the log was gone.
  for (const [name, content] of segments) writeFileSync(join(first.walDirectory, name), content);

  const next = await openDataDirectory(directory, ids);
  expect(next.nodeId).toBe('node-1');
  expect(next.incarnation).not.toBe(first.incarnation);
  const fresh = createWalStore({ directory: next.walDirectory, ...next });
  expect(await fresh.open()).toMatchObject({ hardState: emptyHardState, entries: [] });
  await fresh.close();
  next.close();
});
