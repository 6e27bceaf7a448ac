import { parseArgs } from 'node:util';
import type { Log } from 'tutti/consensus';
import { TuttiError, openMember } from 'tutti/consensus';
import type { Answer } from './commands.ts';
import { createExecute } from './leader.ts';
import { serve } from './serve.ts';
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
  const { id, http, ...member } = settings;
  const store = new KeyValueStore();
  const consensus = await openMember<Answer>({ id, ...member, stateMachine: store, log });
  // In the same turn in which it was opened: nothing is missed.
  const { port } = await serve({
    consensus,
    store,
    execute: createExecute(consensus, store),
    http,
    onStopFailed: giveUp,
  });
  console.log(JSON.stringify({ id, http: `http://${http.host}:${port}`, pid: process.pid }));
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
