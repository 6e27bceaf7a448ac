// Stands for the docker command inside an instance, where no Docker engine can run: a container is a process in a root directory of its own,
// as `docker run` and the image say, with the network of the instance.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { containerScript } from './container.ts';
import { parseRun } from './docker-command.ts';
import { imageOf } from './images.ts';

const STATE = '/run/docker-containers';
const pidFile = (name: string): string => `${STATE}/${name}`;
const [verb, ...args] = process.argv.slice(2);

async function run(): Promise<number> {
  const command = parseRun(args);
  mkdirSync(STATE, { recursive: true });
  if (existsSync(pidFile(command.name)))
    throw new Error(`Conflict. The container name "/${command.name}" is already in use`);
  const script = containerScript(command, imageOf(command.image), (path) => readFileSync(path, 'utf8'));
  const child = spawn('/.host/usr/bin/unshare', ['--mount', '--', '/bin/sh', '-euc', script], {
    stdio: 'inherit',
    env: {},
  });
  await once(child, 'spawn');
  writeFileSync(pidFile(command.name), String(child.pid));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  rmSync(pidFile(command.name));
  // As Docker answers for a process that a signal ended.
  return code ?? 128 + (signal === 'SIGKILL' ? 9 : 15);
}

async function stop(): Promise<number> {
  const seconds = Number(args.find((arg) => arg.startsWith('--time='))?.slice('--time='.length) ?? 10);
  const name = args.find((arg) => !arg.startsWith('--'))!;
  const file = pidFile(name);
  if (!existsSync(file)) throw new Error(`No such container: ${name}`);
  const pid = Number(readFileSync(file, 'utf8'));
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + seconds * 1000;
  while (existsSync(file)) {
    if (performance.now() > deadline) {
      process.kill(pid, 'SIGKILL');
      break;
    }
    await delay(50);
  }
  return 0;
}

function remove(): Promise<number> {
  throw new Error(`No such container: ${args.join(' ')}`);
}

const verbs: Readonly<Record<string, () => Promise<number>>> = { run, stop, rm: remove };
try {
  const act = verbs[verb ?? ''];
  if (act === undefined) throw new Error(`the stand-in for docker does not know "${String(verb)}"`);
  process.exitCode = await act();
} catch (error) {
  process.stderr.write(`docker: ${(error as Error).message}\n`);
  process.exitCode = 125;
}
