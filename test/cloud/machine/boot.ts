// The first process of an instance: what Container-Optimized OS, cloud-init and systemd do between power on and power off. It runs inside the
// instance's own namespaces and root directory. A line "poweroff" on standard input shuts it down in order; its end is the instance's.
import { mkdirSync, openSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { carryOut, parseCloudConfig } from './cloud-config.ts';
import { UnitManager } from './unit-manager.ts';

const JOURNALS = '/var/log/journal';
export const SOCKET = '/run/systemd/stand-in.sock';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function userData(): Promise<string> {
  const url = 'http://metadata.google.internal/computeMetadata/v1/instance/attributes/user-data';
  const answer = await fetch(url, { headers: { 'Metadata-Flavor': 'Google' } });
  if (!answer.ok) throw new Error(`the metadata server answered with ${answer.status}`);
  return answer.text();
}

/** `systemctl` (systemctl.ts) sends its arguments as a line of JSON and is answered with exit code and text. */
function obey(socket: Socket, units: UnitManager): void {
  // It may be gone before it is answered: with --no-block it does not wait.
  socket.on('error', () => undefined);
  createInterface({ input: socket }).once('line', (line) => {
    const args = JSON.parse(line) as readonly string[];
    systemctl(units, args).then(
      (output) => socket.end(JSON.stringify({ code: 0, output })),
      (error: unknown) => socket.end(JSON.stringify({ code: 1, output: `${(error as Error).message}\n` })),
    );
  });
}

async function systemctl(units: UnitManager, args: readonly string[]): Promise<string> {
  const [verb = '', ...names] = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.find((arg) => arg.startsWith('--') && arg !== '--no-block' && arg !== '--quiet');
  if (unknown !== undefined) throw new Error(`the stand-in for systemctl does not know ${unknown}`);
  const isBlocking = !args.includes('--no-block');
  const each = async (act: (name: string) => Promise<void>): Promise<string> => {
    const done = Promise.all(names.map(act));
    if (isBlocking) await done;
    else done.catch((error: unknown) => say(`systemctl ${args.join(' ')}: ${(error as Error).message}`));
    return '';
  };
  switch (verb) {
    case 'daemon-reload':
      units.reload();
      return '';
    case 'start':
      return each((name) => units.start(name));
    case 'stop':
      return each((name) => units.stop(name));
    case 'restart':
      return each((name) => units.restart(name));
    case 'is-active':
      return `${names.map((name) => units.stateOf(name)).join('\n')}\n`;
    default:
      throw new Error(`the stand-in for systemctl does not know "${verb}"`);
  }
}

mkdirSync(JOURNALS, { recursive: true });
mkdirSync('/run/systemd', { recursive: true });
const units = new UnitManager('/etc/systemd/system', JOURNALS, say);
const server = createServer((socket) => obey(socket, units));
server.listen(SOCKET);
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line !== 'poweroff') return;
  say('shutting down');
  void units.stopAll().then(() => process.exit(0));
});
// Whoever holds the other end is gone: so is the power.
process.stdin.on('close', () => process.exit(1));
await carryOut(parseCloudConfig(await userData()), say, openSync(`${JOURNALS}/cloud-init.log`, 'a'));
say('cloud-init: done');
