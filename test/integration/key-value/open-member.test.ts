import { once } from 'node:events';
import { access, mkdtemp, open as openFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Consensus, MemberOptions, StateMachine } from 'tutti/consensus';
import { openMember } from 'tutti/consensus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeNodes, freePorts } from '../../support/ports.ts';

let parent: string;
let dataDirectory: string;
let alone: string;
const opened: Consensus<number>[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'tutti-member-'));
  dataDirectory = join(parent, 'a');
  alone = await freeNodes('a');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((member) => member.close()));
  await rm(parent, { recursive: true });
});

class Counter implements StateMachine<number> {
  count = 0;

  apply(command: Uint8Array): number {
    if (command[0] === 0) throw new Error('a command this state machine does not know');
    return ++this.count;
  }
}

async function open(options: Partial<MemberOptions<number>> = {}): Promise<Consensus<number>> {
  const stateMachine = new Counter();
  const member = await openMember({ id: 'a', nodes: alone, dataDirectory, stateMachine, ...options });
  opened.push(member);
  return member;
}

const leads = (member: Consensus<number>): Promise<void> =>
  expect.poll(() => member.status().leading, { timeout: 10_000 }).toBe(true);

const refusal = (options: Partial<MemberOptions<number>>): Promise<{ code: string; message: string }> =>
  open(options).then(
    () => Promise.reject(new Error('it opened')),
    (error: unknown) => error as { code: string; message: string },
  );

describe('openMember', () => {
  it('gives the data directory free when the member is closed: the same process can open it again, and nothing is lost', async () => {
    const first = await open();
    await leads(first);
    expect(await first.propose(Buffer.from('x'))).toMatchObject({ result: 1 });
    const busy = await refusal({ nodes: await freeNodes('a') });
    expect([busy.code, busy.message]).toEqual(['DATA_DIR_UNUSABLE', expect.stringContaining('in use')]);
    await first.close();

    const second = await open();
    await leads(second);
    expect(await second.propose(Buffer.from('y'))).toMatchObject({ result: 2 });
  });

  it('gives it free as well when the port is taken', async () => {
    const [port] = await freePorts(1);
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    const nodes = `a=127.0.0.1:${port}`;
    expect((await refusal({ nodes })).code).toBe('ADDRESS_IN_USE');
    other.close();
    await once(other, 'close');
    await leads(await open({ nodes }));
  });

  it('gives it free as well when the log is damaged, so that the next start says so too', async () => {
    const member = await open();
    await leads(member);
    for (let at = 0; at < 3; at++) await member.propose(Buffer.alloc(2_000, 7));
    await member.close();
    const [segment] = (await readdir(join(dataDirectory, 'wal'))).filter((name) => name.endsWith('.wal')).sort();
    const file = await openFile(join(dataDirectory, 'wal', segment!), 'r+');
    // In the middle of the first of these commands: behind it whole frames follow, so no torn write explains it.
    await file.write(Buffer.alloc(64, 9), 0, 64, 1_500);
    await file.close();
    expect((await refusal({})).code).toBe('LOG_DAMAGED');
    expect((await refusal({})).code).toBe('LOG_DAMAGED');
  });

  it('gives it free as well when the state machine throws, which is fatal on every member alike', async () => {
    const member = await open();
    await leads(member);
    const { promise: died, resolve } = Promise.withResolvers<Error>();
    member.subscribe((event) => {
      if (event.kind === 'fatal') resolve(event.error);
    });
    const proposed = member.propose(Buffer.from([0]));
    // Committed, but nobody will ever know what it did.
    await expect(proposed).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect((await died).message).toContain('does not know');
    await expect(member.propose(Buffer.from('x'))).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    await member.close();
    // The command is in the log: each start meets it again.
    const again = await open();
    const { promise: diedAgain, resolve: resolveAgain } = Promise.withResolvers<Error>();
    again.subscribe((event) => {
      if (event.kind === 'fatal') resolveAgain(event.error);
    });
    expect((await diedAgain).message).toContain('does not know');
  });

  it('refuses a list or a door that is wrong before it touches the disk, and names what to change', async () => {
    const cases: [Partial<MemberOptions<number>>, string][] = [
      [{ nodes: 'b=127.0.0.1:17723' }, 'nodes names no "a", only "b"'],
      [{ nodes: 'a=127.0.0.1:17723,127.0.0.1:17724' }, 'write id=127.0.0.1:17724'],
      [{ nodes: 'a=127.0.0.1:99999' }, 'nodes: element 1 ("a=127.0.0.1:99999"): "99999" is not a port (1 to 65535)'],
      [{ nodes: 'a=127.0.0.1:17723,b=127.0.0.1:17723' }, 'is element 1 already'],
      [{ bind: '127.0.0.1:x' }, 'bind: "x" is not a port'],
      [{ bind: '0.0.0.0:17723' }, 'a secret or tls'],
      [{ nodes: 'a=192.0.2.1:17723' }, '192.0.2.1 can be reached from other machines'],
      [{ secret: '' }, 'the secret is empty'],
    ];
    for (const [options, text] of cases) {
      const { code, message } = await refusal(options);
      expect([code, message]).toEqual(['SETTINGS_INVALID', expect.stringContaining(text)]);
    }
    await expect(access(dataDirectory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('members with another secret do not form a cluster', async () => {
    const nodes = await freeNodes('a', 'b');
    const a = await open({ nodes, secret: 'one' });
    const b = await open({ id: 'b', nodes, secret: 'another', dataDirectory: join(parent, 'b') });
    const problems = (): number => Math.min(a.status().problems.length, b.status().problems.length);
    await expect.poll(problems, { timeout: 10_000 }).toBeGreaterThan(0);
    expect([a.status().leaderId, b.status().leaderId]).toEqual([null, null]);
  });

  it('members talk TCP when they are told to, and name the one that talks gRPC', async () => {
    const nodes = await freeNodes('a', 'b', 'c');
    const member = (id: string, transport: 'grpc' | 'tcp'): Promise<Consensus<number>> =>
      open({ id, nodes, transport, dataDirectory: join(parent, id) });
    const [a, b, c] = await Promise.all([member('a', 'tcp'), member('b', 'tcp'), member('c', 'grpc')]);
    await expect.poll(() => a.status().leading || b.status().leading, { timeout: 10_000 }).toBe(true);
    const problems = (of: Consensus<number>): string => JSON.stringify(of.status().problems);
    await expect.poll(() => problems(a) + problems(b), { timeout: 10_000 }).toContain('CLUSTER_TRANSPORT=grpc');
    expect(c.status().leaderId).toBe(null);
  });
});
