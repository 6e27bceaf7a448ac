import { mkdtemp, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Consensus, ConsensusEvent, MemberOptions } from '../../../node/src/consensus/index.ts';
import { defaultRaftLimits, openMember } from '../../../node/src/consensus/index.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { freeNodes, freePorts } from '../../support/ports.ts';
import { eventually } from './eventually.ts';
import { Ledger } from './real-node.ts';

interface Node {
  readonly id: string;
  readonly consensus: Consensus<number>;
  readonly ledger: Ledger;
  readonly events: ConsensusEvent[];
}

let parent: string;
let nodes: Node[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tutti-members-'));
});

afterEach(async () => {
  await Promise.all(nodes.map(({ consensus }) => consensus.close()));
  nodes = [];
  await rm(parent, { recursive: true });
});

type Wire = 'grpc' | 'tcp';

async function open(
  id: string,
  list: string,
  transport: Wire,
  at?: string,
  options: Pick<MemberOptions<number>, 'limits' | 'removeDeadAfterMs'> = {},
): Promise<Node> {
  const ledger = new Ledger();
  const consensus = await openMember<number>({
    ...{ id, nodes: list, transport, dataDirectory: join(parent, id), stateMachine: ledger, secret: 'between friends' },
    ...{ ...options, ...(at !== undefined && { join: at }) },
  });
  const events: ConsensusEvent[] = [];
  consensus.subscribe((event) => events.push(event));
  const node = { id, consensus, ledger, events };
  nodes.push(node);
  return node;
}

const leader = (): Promise<Node> =>
  eventually('a leader', () => nodes.find(({ consensus }) => consensus.status().leading));

/** What the leader of the moment is asked, again where that may help. */
async function asLeader(ask: (consensus: Consensus<number>) => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await ask((await leader()).consensus);
      return;
    } catch (error) {
      if (!TuttiError.from(error).isRetryable) throw error;
      await pause(10);
    }
  }
}

/** Writes one number after the other until told to stop; each is tried until it is acknowledged. */
function writer(): { stop: () => Promise<number> } {
  let isStopped = false;
  const run = async (): Promise<number> => {
    let written = 0;
    while (!isStopped) {
      const { consensus } = await leader();
      const text = Buffer.from(`${written}`);
      const isWritten = await consensus.propose(text).then(
        () => true,
        () => false,
      );
      if (isWritten) written += 1;
      await new Promise(setImmediate);
    }
    return written;
  };
  const ended = run();
  return { stop: () => ((isStopped = true), ended) };
}

const hasEnded = ({ events }: Node): boolean =>
  events.some((event) => event.kind === 'fatal' && TuttiError.from(event.error).code === 'REMOVED');

describe.each(['grpc', 'tcp'] as const)('over %s', (wire) => {
  it('a cluster of three takes a fourth member, and lets go one and its leader, while it is written to', async () => {
    const ports = await freePorts(4);
    const at = (id: string): string => `127.0.0.1:${ports[['a', 'b', 'c', 'd'].indexOf(id)]}`;
    const list = ['a', 'b', 'c'].map((id) => `${id}=${at(id)}`).join();
    await Promise.all(['a', 'b', 'c'].map((id) => open(id, list, wire)));
    await eventually('all to be met', () => nodes.every(({ consensus }) => consensus.status().membership?.unmet === 0));
    const writing = writer();
    const d = await open('d', list, wire, at('d'));
    expect(d.consensus.status().membership).toBeNull();

    await asLeader((consensus) => consensus.addNode('d', at('d')));
    await asLeader((consensus) => consensus.promote('d'));
    const idsOf = (node: Node): string[] => node.consensus.status().membership?.voters.map(({ id }) => id) ?? [];
    await eventually('the fourth to vote', () => idsOf(d).includes('d'));

    const removed = nodes.find((node) => node !== d && !node.consensus.status().leading)!;
    await asLeader((consensus) => consensus.removeNode(removed.id));
    await eventually('the removed one to end', () => hasEnded(removed));
    nodes = nodes.filter((node) => node !== removed);

    const old = await leader();
    await old.consensus.removeNode(old.id);
    await eventually('the leader to end', () => hasEnded(old));
    nodes = nodes.filter((node) => node !== old);

    const { id } = await leader();
    expect(id).not.toBe(old.id);
    const written = await writing.stop();
    expect(written).toBeGreaterThan(10);
    const longest = Math.max(...nodes.map(({ ledger }) => ledger.applied.length));
    await eventually('both to have all', () => nodes.every(({ ledger }) => ledger.applied.length >= longest));
    expect(nodes[0]!.ledger.applied).toEqual(nodes[1]!.ledger.applied);
    const distinct = new Set(nodes[0]!.ledger.applied);
    expect([...Array(written).keys()].every((value) => distinct.has(`${value}`))).toBe(true);
    const rest = nodes.map((node) => node.id).sort();
    expect(idsOf(nodes[0]!).sort()).toEqual(rest);
  });

  it('a member that joins when the log no longer begins at its beginning gets the snapshot, and the rest of the log', async () => {
    const limits = { ...defaultRaftLimits, maxTrailingBytes: 100 };
    const [first, late] = await freePorts(2);
    const a = await open('a', `a=127.0.0.1:${first}`, wire, undefined, { limits });
    await leader();
    for (let value = 0; value < 20; value++) await a.consensus.propose(Buffer.from(`${value}`));
    await a.consensus.snapshot();
    await a.consensus.propose(Buffer.from('behind it'));
    const d = await open('d', `a=127.0.0.1:${first}`, wire, `127.0.0.1:${late}`, { limits });
    await asLeader((consensus) => consensus.addNode('d', `127.0.0.1:${late}`));
    await asLeader((consensus) => consensus.promote('d'));
    await asLeader((consensus) => consensus.propose(Buffer.from('of two')));
    await eventually('the newcomer to have all', () => d.ledger.applied.length >= 22);
    expect(d.ledger.applied).toEqual(a.ledger.applied);
    expect(d.consensus.status().snapshotIndex).toBeGreaterThan(20);
    expect(d.events.map((event) => (event.kind === 'raft' ? event.event.kind : event.kind))).toContain(
      'snapshotInstalled',
    );
  });

  it('a voter that is dead for long is removed by the leader, and told so when it comes back', async () => {
    const list = await freeNodes('a', 'b', 'c');
    const start = (id: string): Promise<Node> => open(id, list, wire, undefined, { removeDeadAfterMs: 500 });
    await Promise.all(['a', 'b', 'c'].map(start));
    await eventually('all to be met', () => nodes.every(({ consensus }) => consensus.status().membership?.unmet === 0));
    await asLeader((consensus) => consensus.propose(Buffer.from('x')));
    const dead = nodes.find(({ consensus }) => !consensus.status().leading)!;
    nodes = nodes.filter((node) => node !== dead);
    await dead.consensus.close();
    const voters = ({ consensus }: Node): string[] => consensus.status().membership!.voters.map(({ id }) => id);
    await eventually('it to be removed', () => nodes.every((node) => !voters(node).includes(dead.id)));
    await asLeader((consensus) => consensus.propose(Buffer.from('of two')));
    const back = await start(dead.id);
    await eventually('it to end', () => hasEnded(back));
  });
});
