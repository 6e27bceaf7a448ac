import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Unavailable } from '../support/unavailable.ts';

const run = promisify(execFile);
const preflightTimeoutMs = 10_000;

/** What network.ts is going to do, so that a machine that cannot do it says so at once. */
const rehearsal =
  'ip link add preflight0 type veth peer name preflight1 && ip rule add from 10.0.0.1 to 10.0.0.2 blackhole && ' +
  'echo 1 > /proc/sys/net/ipv4/ip_forward && unshare --net -- true && command -v nsenter';

/**
 * The beginning of a command that runs the rest of it in namespaces of its own: of networks, so that links can be cut without
 * touching the machine's, and of processes, so that the kernel ends all of them, stopped ones included, when the first one
 * ends. They have no names and leave nothing behind. Root has them for the asking, others where the kernel lets them have a
 * user namespace. @throws Unavailable
 */
export async function isolation(): Promise<readonly string[]> {
  if (process.platform !== 'linux') throw new Unavailable('cutting links needs the network namespaces of Linux');
  const reasons: string[] = [];
  for (const privilege of [[], ['--user', '--map-root-user']]) {
    const options = [...privilege, '--net', '--pid', '--mount-proc', '--fork', '--kill-child'];
    try {
      await run('unshare', [...options, '--', 'sh', '-c', rehearsal], { timeout: preflightTimeoutMs });
      return ['unshare', ...options, '--'];
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      reasons.push((stderr?.trim() || message).replaceAll('\n', '; '));
    }
  }
  throw new Unavailable(
    `no network namespaces here: run as root, with iproute2 and util-linux installed (as this user: ${reasons.join('; ')})`,
  );
}
