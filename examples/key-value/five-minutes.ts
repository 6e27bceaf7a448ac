// Three members in one process, each on its own data directory, count together. In life each is a process on its own machine.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMember } from 'tutti/consensus';
import type { Consensus, StateMachine } from 'tutti/consensus';

/** What is replicated: a number. A command is a text, "add 5"; the result is the number after it. */
class Counter implements StateMachine<number> {
  value = 0;

  apply(command: Uint8Array): number {
    this.value += Number(Buffer.from(command).toString().replace('add ', ''));
    return this.value;
  }
}

/** Resolves once this member leads and has applied all that was committed before: from then on it takes commands. */
const leadership = (member: Consensus<number>): Promise<Consensus<number>> =>
  new Promise((resolve, reject) => {
    if (member.status().leading) resolve(member);
    member.subscribe((event) => {
      if (event.kind === 'leadershipGained') resolve(member);
      if (event.kind === 'fatal') reject(event.error);
    });
  });

const firstPort = Number(process.argv[2] ?? 7101);
const ids = ['a', 'b', 'c'];
const nodes = ids.map((id, at) => `${id}=127.0.0.1:${firstPort + at}`).join(',');
const parent = await mkdtemp(join(tmpdir(), 'counter-'));

const members = await Promise.all(
  ids.map((id) => openMember({ id, nodes, dataDirectory: join(parent, id), stateMachine: new Counter() })),
);
const leader = await Promise.race(members.map(leadership));

for (const command of ['add 5', 'add 37']) {
  const { index, result } = await leader.propose(Buffer.from(command));
  console.log(`"${command}" is entry ${index} of the log and makes ${result}`);
}
await Promise.all(members.map((member) => member.close()));
await rm(parent, { recursive: true });
