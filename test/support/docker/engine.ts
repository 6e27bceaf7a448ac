import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Processes } from '../../../scripts/lib/processes.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { findProgram } from '../find-program.ts';
import { Unavailable } from '../unavailable.ts';

const startTimeoutMs = 60_000;
const maxOutputBytes = 16 * 1024 * 1024;
/** Images and what builds have made, so that the next rehearsal need not make them again. */
const dataRoot = join(homedir(), '.cache/tutti/docker');

/** A Docker engine. Close it, or one that was started here stays. */
export interface Engine {
  /** Started here: it keeps off this machine's network as far as it can. */
  readonly isOurs: boolean;
  /** Standard output of the docker command; rejects with what it said if it fails. */
  readonly docker: (...args: readonly string[]) => Promise<string>;
  /** What a program needs in its environment to use this engine. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The engine that runs here, else one that is started for this process alone, as root. @throws Unavailable */
export async function openEngine(): Promise<Engine> {
  if ((await findProgram('docker')) === null) throw new Unavailable(install('the docker command was not found'));
  const present = client({});
  if (await answers(present))
    return { isOurs: false, docker: present, environment: {}, close: () => Promise.resolve() };
  if ((await findProgram('dockerd')) === null) throw new Unavailable(install('no Docker engine answers here'));
  if (process.getuid?.() !== 0) {
    throw new Unavailable('no Docker engine answers here, and only root can start one: start it, or become root');
  }
  return startEngine();
}

const install = (why: string): string => `${why}: install one (on Debian: apt-get install docker.io)`;

async function startEngine(): Promise<Engine> {
  const directory = mkdtempSync(join(tmpdir(), 'tutti-docker-'));
  mkdirSync(dataRoot, { recursive: true });
  // In a process group of its own: Ctrl-C would otherwise end it before the containers are taken down.
  const processes = new Processes(directory, true);
  const environment = { DOCKER_HOST: `unix://${directory}/docker.sock`, DOCKER_CONFIG: directory };
  const docker = client(environment);
  const close = async (): Promise<void> => {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  };
  processes.start('dockerd', [
    'dockerd',
    `--host=${environment.DOCKER_HOST}`,
    `--data-root=${dataRoot}`,
    `--exec-root=${directory}/run`,
    // Beside the data, so that a second one does not use them at the same time.
    `--pidfile=${dataRoot}/docker.pid`,
    // What it could change on this machine's network it leaves alone: only the bridge of a project's own network comes and goes.
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ]);
  try {
    await waitFor('the Docker engine', startTimeoutMs, () => answers(docker), processes.firstDead);
    await tidyUp(docker);
  } catch (error) {
    await close();
    throw new Unavailable(`a Docker engine cannot run here: ${(error as Error).message}`, { cause: error });
  }
  return { isOurs: true, docker, environment, close };
}

function client(environment: Readonly<Record<string, string>>): Engine['docker'] {
  return async (...args) => {
    const options = { env: { ...process.env, ...environment }, maxBuffer: maxOutputBytes };
    return (await promisify(execFile)('docker', args, options)).stdout;
  };
}

async function answers(docker: Engine['docker']): Promise<boolean> {
  return docker('version', '--format', '{{.Server.Version}}').then(
    () => true,
    () => false,
  );
}

/** What a rehearsal that was killed has left in our own engine, and what no build will use again. */
async function tidyUp(docker: Engine['docker']): Promise<void> {
  const left = (await docker('ps', '--all', '--quiet')).split('\n').filter(Boolean);
  if (left.length > 0) await docker('rm', '--force', '--volumes', ...left);
  for (const kind of ['network', 'volume', 'image']) await docker(kind, 'prune', '--force');
}
