// Stands for systemctl inside an instance: hands its arguments to the first process (boot.ts).
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

const socket = connect('/run/systemd/stand-in.sock');
await once(socket, 'connect');
socket.write(`${JSON.stringify(process.argv.slice(2))}\n`);
const { code, output } = JSON.parse(await text(socket)) as { readonly code: number; readonly output: string };
process.stdout.write(output);
process.exit(code);
