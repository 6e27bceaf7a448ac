import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultSnapshotPolicy, TuttiError } from '../../../node/src/consensus/index.ts';
import type { SnapshotPolicy } from '../../../node/src/consensus/index.ts';
import { portsOf } from '../../support/ports.ts';
import { eventually } from './eventually.ts';
import type { RealNode } from './real-node.ts';
import { openRealNode } from './real-node.ts';

let dataDir: string;
let ports: ReadonlyMap<string, number>;
let nodes: RealNode[] = [];

beforeEach(async () => {
  ports = await portsOf('a', 'b', 'c');
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-snapshots-'));
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  nodes = [];
  await rm(dataDir, { recursive: true });
});

async function open(id: string, snapshots: SnapshotPolicy): Promise<RealNode> {
  const node = await openRealNode({ id, ports, dataDir: join(dataDir, id), snapshots });
  nodes.push(node);
  return node;
}

async function close(node: RealNode): Promise<void> {
  nodes = nodes.filter((other) => other !== node);
  await node.close();
}

const leaderOf = (members: readonly RealNode[]): Promise<RealNode> =>
  eventually('a leader', () => members.find(({ consensus }) => consensus.status().leading));

/** Through whoever leads: a slow machine may hold an election at any time. What is of unknown fate is written again. */
async function write(text: string): Promise<void> {
  const lengthy = Buffer.from(text.padEnd(64 * 1024, 'x'));
  for (;;) {
    const leader = await leaderOf(nodes);
    const code = await leader.consensus.propose(lengthy).then(
      () => null,
      (error: unknown) => TuttiError.from(error).code,
    );
    if (code === null) return;
    expect(['NOT_LEADER', 'BUSY', 'OUTCOME_UNKNOWN']).toContain(code);
  }
}

/** Bytes and names of everything below a folder. */
async function diskUse(folder: string): Promise<{ bytes: number; files: string[] }> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(
    names.map(async (name) => {
      const { size } = await stat(join(folder, name)).catch(() => ({ size: 0 }));
      return size;
    }),
  );
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), files: names };
}

it('a member that was away past compaction is brought up by a snapshot while writes go on, and again after a restart', async () => {
  const policy = { ...defaultSnapshotPolicy, logBytes: 512 * 1024 };
  const members = await Promise.all(['a', 'b', 'c'].map((id) => open(id, policy)));
  const leader = await leaderOf(members);
  await write('before');
  const away = members.find((node) => node !== leader)!;
  await eventually('the follower to have the first', () => away.ledger.applied.length > 0);
  await close(away);
  for (let n = 0; n < 40; n += 1) await write(`missed ${n} `);
  await eventually('the log to be let go', () => nodes.every(({ consensus }) => consensus.status().snapshotIndex > 20));

  const writer = { isWriting: true };
  const writing = (async () => {
    for (let n = 0; writer.isWriting; n += 1) await write(`meanwhile ${n} `);
  })();
  const back = await open(away.id, policy);
  await eventually('the member to be brought up', () => back.ledger.applied.length > 40);
  const applied = back.ledger.applied.length;
  await eventually('it to follow', () => back.ledger.applied.length > applied + 10);
  writer.isWriting = false;
  await writing;
  const hasAll = (node: RealNode): boolean => node.ledger.applied.at(-1)?.startsWith('the end') === true;
  await write('the end ');
  await eventually('all to have applied all', () => nodes.every(hasAll));
  for (const { ledger } of nodes) expect(ledger.applied).toEqual(back.ledger.applied);
  const installed = back.events.filter((event) => event.kind === 'raft' && event.event.kind === 'snapshotInstalled');
  expect(installed.length).toBeGreaterThan(0);

  await close(back);
  const again = await open(away.id, policy);
  await eventually('the restarted one', () => hasAll(again));
  expect(again.ledger.applied).toEqual(back.ledger.applied);
}, 60_000);

it('takes no more disk over many snapshots than the last ones and the log behind them', async () => {
  const policy = { ...defaultSnapshotPolicy, logBytes: 1024 * 1024 };
  const members = await Promise.all(['a', 'b', 'c'].map((id) => open(id, policy)));
  for (let n = 0; n < 200; n += 1) await write(`${n} `);
  for (const { id, consensus } of members) {
    await eventually(`${id} to have let go`, () => consensus.status().snapshotIndex > 150);
    // 12 MiB went through. What is left: the segment that is written to, one prepared ahead, one that holds what is behind the last
    // snapshot, one that was written while that was taken, and one that is being removed.
    const { bytes, files } = await diskUse(join(dataDir, id));
    expect(bytes).toBeLessThan(7 * 1024 * 1024);
    expect(files.filter((name) => name.endsWith('.snapshot')).length).toBeLessThanOrEqual(2);
  }
}, 60_000);
