// Sends a datagram for each line "HOST TEXT" on standard input, and prints the text of each that it gets.
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const port = 9000;
const socket = createSocket('udp4');
socket.on('message', (message) => process.stdout.write(`${message.toString()}\n`));
socket.bind(port, () => process.stdout.write('ready\n'));
createInterface({ input: process.stdin }).on('line', (line) => {
  const [host, text] = line.split(' ');
  socket.send(text!, port, host);
});
