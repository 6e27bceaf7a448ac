// `gcloud compute ssh MACHINE ... -- -L PORT:127.0.0.1:8080` of the rehearsal: the port leads into the network of that machine.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';

const args = process.argv.slice(2);
const join_ = (near: Socket, far: Socket): void => {
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
};
if (args[0] === '--version') process.exit(0);
if (args[0] === 'inside') {
  createServer((near) => join_(near, connect(8080, '127.0.0.1'))).listen(args[1], () =>
    process.stdout.write('ready\n'),
  );
} else {
  const machines = JSON.parse(readFileSync(process.env.REHEARSAL_MACHINES!, 'utf8')) as Record<string, number>;
  const pid = machines[args[2]!];
  const [, port = ''] = /^127\.0\.0\.1:(\d+):127\.0\.0\.1:8080$/.exec(args[args.indexOf('-L') + 1] ?? '') ?? [];
  if (pid === undefined || !args.includes('--tunnel-through-iap')) {
    process.stderr.write(`the gcloud of the rehearsal knows no ${args.join(' ')}\n`);
    process.exit(1);
  }
  // One process cannot be in two networks; a socket in the file system is in both.
  const socket = join(dirname(process.env.REHEARSAL_MACHINES!), `${process.pid}.socket`);
  const inside = [process.execPath, import.meta.filename, 'inside', socket];
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, '--', ...inside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.on('exit', (code) => process.exit(code ?? 1));
  child.stdout.once('data', () =>
    createServer((near) => join_(near, connect(socket))).listen(Number(port), '127.0.0.1'),
  );
}
