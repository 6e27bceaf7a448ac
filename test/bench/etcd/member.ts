// One of three members of a key-value consensus for test/bench/etcd.ts: member.ts ID NODES DATA TRANSPORT PORT. Prints a line
// when it leads. Clients propose to the leader over the same kind of connection as the members use (lane.ts).
import { openMember } from 'tutti/consensus';
import type { StateMachine } from 'tutti/consensus';
import { decodeProposals, encodeIds } from './frames.ts';
import { listen } from './lane.ts';
import type { Lane, OnMessage } from './lane.ts';

/** What etcd keeps of a put, less its history: the value of each key. The key ends with a zero byte. */
class Store implements StateMachine<number> {
  readonly #values = new Map<string, Uint8Array>();

  apply(command: Uint8Array): number {
    const end = command.indexOf(0);
    this.#values.set(
      Buffer.from(command.buffer, command.byteOffset, end).toString('latin1'),
      command.subarray(end + 1),
    );
    return this.#values.size;
  }
}

const [id, nodes, dataDirectory, transport, port] = process.argv.slice(2) as [string, string, string, string, string];
const stateMachine = new Store();
const member = await openMember({
  ...{ id, nodes, dataDirectory, stateMachine },
  transport: transport === 'tcp' ? 'tcp' : 'grpc',
});
member.subscribe((event) => {
  if (event.kind === 'leadershipGained') console.log('leads');
});

/** Proposals that came in one message are answered as they are applied, those of one moment in one message. */
function serve(lane: Lane): OnMessage {
  let applied: number[] = [];
  const answer = (id: number): void => {
    // Behind all that is applied in this turn.
    if (applied.length === 0) {
      setImmediate(() => {
        lane.send(encodeIds(applied));
        applied = [];
      });
    }
    applied.push(id);
  };
  return (message) => {
    for (const { id: number, command } of decodeProposals(message)) {
      member.propose(command).then(
        () => answer(number),
        (error: unknown) => {
          // The figures would be of something else.
          console.error(`a proposal failed: ${String(error)}`);
          process.exit(1);
        },
      );
    }
  };
}

await listen(transport, Number(port), serve);
console.log('listens');
