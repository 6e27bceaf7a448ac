import { parseArgs } from 'node:util';
import type { Consensus, Log } from 'tutti/consensus';
import { TuttiError, openMember } from 'tutti/consensus';
import type { Answer } from './commands.ts';
import { openFront } from './http.ts';
import { createExecute } from './leader.ts';
import { KeyValueStore } from './store.ts';

const usage =
  'node examples/key-value/server.ts --id a --nodes a=127.0.0.1:7101,b=127.0.0.1:7102,c=127.0.0.1:7103 ' +
  '--http 127.0.0.1:8101 --data DIRECTORY [--transport grpc|tcp]';

const loopbackHosts = ['127.0.0.1', 'localhost', '[::1]'];

interface Settings {
  readonly id: string;
  readonly nodes: string;
  readonly dataDirectory: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly transport: 'grpc' | 'tcp';
}

function readSettings(): Settings {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { id: text, nodes: text, http: text, data: text, transport: text } });
  const { id, nodes, http, data, transport = 'grpc' } = values;
  if (id === undefined || nodes === undefined || http === undefined || data === undefined) {
    throw new TypeError('--id, --nodes, --http and --data are all needed');
  }
  if (transport !== 'grpc' && transport !== 'tcp')
    throw new TypeError(`--transport: "${transport}" is not grpc or tcp`);
  return { id, nodes, dataDirectory: data, http: readHttp(http), transport };
}

function readHttp(address: string): Settings['http'] {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new TypeError(`--http: "${address}" is not host:port (ports 0 to 65535; 0: any free)`);
  }
  // Whoever reaches this port reads and writes everything.
  if (!loopbackHosts.includes(host)) {
    throw new TypeError(`--http: this example has no passwords, so it listens on ${loopbackHosts.join(', ')} only`);
  }
  return { host: host.replace(/[[\]]/g, ''), port: Number(port) };
}

/** Lines of JSON on stderr; a program of one's own would pass pino here. */
const say = (level: string) => (fields: object, message: string) =>
  console.error(JSON.stringify({ time: new Date(), level, message, ...fields }));
const log: Log = { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') };

async function start(settings: Settings): Promise<void> {
  const { http, ...member } = settings;
  const store = new KeyValueStore();
  const consensus = await openMember<Answer>({ ...member, stateMachine: store, log });
  // In the same turn in which it was opened: nothing is missed.
  const execute = createExecute(consensus, store);
  consensus.subscribe((event) => {
    // The log line has been written. What this process promised it may no longer be able to keep, so it must not go on.
    if (event.kind === 'fatal') process.exit(1);
  });
  const front = await openFront(http, execute, () => ({ ...consensus.status(), digest: store.digest() })).catch(
    async (error: unknown) => {
      await consensus.close();
      throw error;
    },
  );
  stopOnSignal(async () => {
    // In this order, so that requests under way are answered by a member that still takes part.
    await front.close();
    await handOver(consensus);
    await consensus.close();
  });
  console.log(
    JSON.stringify({ id: settings.id, http: `http://${settings.http.host}:${front.port}`, pid: process.pid }),
  );
}

/** So that the others need not wait for an election timeout. The last one left has nobody to hand over to, and says so. */
async function handOver(consensus: Consensus<unknown>): Promise<void> {
  if (consensus.status().role !== 'leader') return;
  await consensus.transferLeadership().catch((error: unknown) => console.error(TuttiError.from(error).message));
}

function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const once = (): void => {
    if (stopping) return;
    stopping = true;
    // Nothing is left that keeps the process alive then, so it ends by itself, with code 0.
    stop().catch(giveUp);
  };
  process.on('SIGTERM', once).on('SIGINT', once);
}

function giveUp(thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : TuttiError.from(thrown);
  console.error(error instanceof TypeError ? `${error.message}\nusage: ${usage}` : `${error.name}: ${error.message}`);
  process.exitCode = 1;
}

try {
  await start(readSettings());
} catch (error) {
  giveUp(error);
}
