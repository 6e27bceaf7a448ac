import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudFailure } from '../failure.ts';
import type { MachineAddress } from '../google/compute.ts';
import type { Reach, Way } from './reach.ts';

/** CLUSTER_HEALTH_ADDR, where nothing else is set. */
const apiPort = 8080;
/** The first tunnel to a machine brings a key to it, which takes half a minute. */
const openTimeoutMs = 90_000;
const lookEveryMs = 200;
const answerTimeoutMs = 2_000;
const lastWordsChars = 1_500;
const missing =
  'gcloud was not found on the PATH, and the API of a node is reached through it alone ' +
  '(SSH through Identity-Aware Proxy); install it: https://cloud.google.com/sdk/docs/install';

/**
 * `gcloud compute ssh` with a forwarded port, through Identity-Aware Proxy. gcloud starts ssh and a tunnel of its own, so all of them are one
 * group of processes, and end together.
 */
export function gcloudReach(signal: AbortSignal): Reach {
  const open = new Set<Way>();
  process.once('exit', () => {
    for (const way of open) void way.close();
  });
  return {
    whyNot: async () => ((await hasGcloud()) ? null : missing),
    async open(address, port) {
      const way = await (port === 0 ? openAnywhere(address, signal) : openWay(address, port, signal));
      open.add(way);
      void way.ended.then(() => open.delete(way));
      return way;
    },
  };
}

/** The command line that opens a way; also what `scripts/cloud tunnel` names where gcloud is missing. */
export function tunnelCommand({ project, zone, instance }: MachineAddress, port: number): readonly string[] {
  const ssh = ['-N', '-L', `127.0.0.1:${port}:127.0.0.1:${apiPort}`];
  const options = ['-o', 'ExitOnForwardFailure=yes', '-o', 'ServerAliveInterval=15'];
  const gcloud = ['gcloud', 'compute', 'ssh', instance, '--project', project, '--zone', zone];
  return [...gcloud, '--tunnel-through-iap', '--quiet', '--', ...ssh, ...options];
}

/** Between the look for a free port and ssh's own, somebody else may take it. */
const portAttempts = 3;
const isTaken = /address already in use/i;

async function openAnywhere(address: MachineAddress, signal: AbortSignal): Promise<Way> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openWay(address, await freePort(), signal);
    } catch (thrown) {
      if (attempt === portAttempts || !isTaken.test((thrown as Error).message)) throw thrown;
    }
  }
}

async function openWay(address: MachineAddress, port: number, signal: AbortSignal): Promise<Way> {
  const [program, ...args] = tunnelCommand(address, port);
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = `${lastWords}${text}`.slice(-lastWordsChars);
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? missing : error.message));
    child.once('close', (code, by) => resolve(`gcloud ended (${by ?? code ?? ''}): ${lastWords.trim()}`));
  });
  const close = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) endGroup(child.pid);
    await ended;
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(url, ended, signal);
  } catch (thrown) {
    await close();
    const { message } = thrown as Error;
    throw signal.aborted ? thrown : new CloudFailure(`${address.instance}: no way to its API: ${message}`);
  }
  return { url, ended, close };
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid);
  } catch (error) {
    // It ended by itself, and that is not known here yet.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Resolves once somebody answers there. */
async function answers(url: string, ended: Promise<string>, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + openTimeoutMs;
  let reason: string | null = null;
  void ended.then((why) => (reason = why));
  const endedBy = (): string | null => reason;
  while (performance.now() < deadlineMs) {
    signal.throwIfAborted();
    const why = endedBy();
    if (why !== null) throw new Error(why);
    const isThere = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(answerTimeoutMs) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isThere) return;
    await delay(lookEveryMs, undefined, { signal });
  }
  throw new Error(`nobody answered through the tunnel within ${openTimeoutMs / 1000} s; scripts/cloud logs`);
}

async function hasGcloud(): Promise<boolean> {
  const child = spawn('gcloud', ['--version'], { stdio: 'ignore' });
  return new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, 'close');
  return port;
}
