// One node of examples/key-value as a process, as server.ts there is, with what this test must be able to do to it: a disk
// that is slowed and members that are changed by orders on standard input, and, to prove the test, a store that is broken.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  createGrpcTransport,
  createTcpTransport,
  createWalStore,
  defaultRaftLimits,
  openConsensus,
  openDataDirectory,
  systemClock,
  timingProfiles,
  TuttiError,
} from 'tutti/consensus';
import type { Consensus, Log } from 'tutti/consensus';
import { isWrite } from '../../examples/key-value/commands.ts';
import type { Answer } from '../../examples/key-value/commands.ts';
import { createExecute } from '../../examples/key-value/leader.ts';
import type { Execute } from '../../examples/key-value/leader.ts';
import { serve } from '../../examples/key-value/serve.ts';
import { KeyValueStore } from '../../examples/key-value/store.ts';
import { nodeDisk } from '../../node/src/storage/node-disk.ts';
import { parseClusterNodes } from '../../node/src/transport/addresses.ts';
import type { Order } from './node-process.ts';
import { SlowDisk } from './slow-disk.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { id: text, nodes: text, data: text, 'http-port': text, transport: text, broken: text },
  strict: true,
});
const { id = '', nodes = '', data = '', transport, broken } = values;

const say = (level: string) => (fields: object, message: string) =>
  process.stderr.write(`${JSON.stringify({ time: new Date(), level, message, ...fields })}\n`);
const log: Log = { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') };

async function open(store: KeyValueStore, disk: SlowDisk): Promise<Consensus<Answer>> {
  const listed = parseClusterNodes(nodes, '--nodes');
  const selfIndex = listed.findIndex((peer) => peer.id === id);
  const { host, port } = listed[selfIndex]!;
  const directory = await openDataDirectory(data, { nodeId: id, fallbackNodeId: id });
  process.on('exit', () => directory.close());
  const { nodeId, incarnation, walDirectory } = directory;
  const createTransport = transport === 'tcp' ? createTcpTransport : createGrpcTransport;
  return openConsensus<Answer>({
    self: { nodeId, incarnation, session: randomUUID(), region: '', apiAddress: '' },
    listedSize: listed.length,
    store: createWalStore({ directory: walDirectory, nodeId, incarnation, disk }),
    transport: (self) =>
      createTransport({
        ...{ self, listed, selfIndex, clock: systemClock, log },
        bind: { host, port },
        security: { secret: null, tls: null },
      }),
    stateMachine: store,
    ...{ timings: timingProfiles.lan, limits: defaultRaftLimits, clock: systemClock, random: Math.random, log },
    proposedClusterId: randomUUID(),
  });
}

/** What a store does whose author found `consensus.read` too slow. */
const readingLocally =
  (store: KeyValueStore, execute: Execute): Execute =>
  (command) =>
    isWrite(command) ? execute(command) : Promise.resolve(store.look(command));

async function obey(order: Order): Promise<object> {
  if ('delayMs' in order) return { delayedSyncs: disk.setDelay(...order.delayMs) };
  return consensus.changeMembers(order.changes).then(
    () => ({ outcome: 'ok' }),
    (error: unknown) => ({ outcome: TuttiError.from(error).code }),
  );
}

const disk = new SlowDisk(nodeDisk);
const store = new KeyValueStore();
const consensus = await open(store, disk);
const execute = createExecute(consensus, store);
const { host } = parseClusterNodes(nodes, '--nodes').find((peer) => peer.id === id)!;
await serve({
  ...{ consensus, store },
  execute: broken === 'stale-reads' ? readingLocally(store, execute) : execute,
  http: { host, port: Number(values['http-port']) },
  onStopFailed: (error) => {
    log.error({}, `could not stop in order: ${String(error)}`);
    process.exitCode = 1;
  },
});
const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => {
  void obey(JSON.parse(line) as Order).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
});
// An orderly stop ends the process although more orders could come.
process.stdin.unref();
process.stdout.write(`${JSON.stringify({ id })}\n`);
