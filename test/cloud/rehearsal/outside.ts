import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findFakeGcs } from '../../support/gcs/find.ts';
import { findPulumi } from '../../support/pulumi/find.ts';
import { Unavailable } from '../../support/unavailable.ts';
import { run } from './run-command.ts';

/** What the rehearsal is going to do with the kernel, so that a machine that cannot do it says so at once. */
const preflight = `set -e
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
ip link add preflight0 type veth peer name preflight1
iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -t nat -A POSTROUTING -s 192.0.2.1 -j SNAT --to-source 192.0.2.2
command -v nsenter curl openssl mkfs.ext4 sysctl setpriv prlimit taskset hostname iptables-restore
mkdir m
truncate -s 16M disk
mkfs.ext4 -q disk
mount disk m`;
const namespaces = ['--net', '--mount', '--uts', '--ipc', '--pid', '--mount-proc', '--fork', '--kill-child'];

export interface Options {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs the rehearsal in namespaces of its own, which have no way out to any network, and looks afterwards that nothing of it is left on this machine.
 * Rejects with what was not as it should be. @throws Unavailable
 */
export async function rehearseOutside({ say, signal }: Options): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tutti-rehearsal-'));
  try {
    await checkMachine(directory);
    const programs = await findPulumi();
    const flags = [
      '--pulumi',
      programs.cli,
      '--language-host',
      programs.languageHost,
      '--fake-gcs',
      await findFakeGcs(),
    ];
    signal.throwIfAborted();
    await runInside(directory, flags, { say, signal });
    const files = readdirSync(directory);
    if (files.length > 0) throw new Error(`left in ${directory}: ${files.join(', ')}`);
    const mounts = await run('cat', ['/proc/self/mounts']);
    if (mounts.includes(directory)) throw new Error(`left mounted: ${directory}`);
    const loops = await run('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']);
    if (loops.includes(directory)) throw new Error(`a loop device still has a file of ${directory}`);
    say('afterwards: no process, namespace, interface, mount, loop device or file is left');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function checkMachine(directory: string): Promise<void> {
  if (process.platform !== 'linux') throw new Unavailable('machines that are namespaces need Linux');
  if (process.getuid?.() !== 0) throw new Unavailable('machines that are namespaces, with disks, need root');
  const place = mkdtempSync(join(directory, 'preflight-'));
  try {
    await run('unshare', [...namespaces, '--', 'sh', '-c', `cd ${place}\n${preflight}`]);
  } catch (error) {
    throw new Unavailable(
      `this machine cannot rehearse a cloud; install iproute2, iptables, util-linux, e2fsprogs, procps, curl and openssl, and be root with namespaces and loop devices (${(error as Error).message.trim().split('\n').at(-1)!})`,
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function runInside(directory: string, flags: readonly string[], { say, signal }: Options): Promise<void> {
  const program = join(import.meta.dirname, 'run-inside.ts');
  const child = spawn('unshare', [...namespaces, '--', process.execPath, program, ...flags], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // All that it makes is beneath, so that whatever is left can be seen.
    env: { ...process.env, TMPDIR: directory },
    // Ctrl-C is for this process, which then ends the other.
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  const onAbort = (): void => void child.stdin.end();
  signal.addEventListener('abort', onAbort);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  createInterface({ input: child.stdout }).on('line', say);
  const [code] = (await once(child, 'close')) as [number | null];
  signal.removeEventListener('abort', onAbort);
  if (signal.aborted) signal.throwIfAborted();
  if (code !== 0) throw new Error(`the rehearsal failed (${code ?? 'killed'}):\n${complaint.trim()}`);
}
