// What the load is aimed at: answers everything, and tells at /seen from which addresses how many requests came. It holds the network namespace
// that stands for the internet; its end is that of whoever holds the other end of its standard input.
import { createServer } from 'node:http';

const seen = new Map<string, number>();
const server = createServer((request, response) => {
  if (request.url === '/seen') {
    response.end(JSON.stringify(Object.fromEntries(seen)));
    return;
  }
  const from = request.socket.remoteAddress!.replace(/^::ffff:/, '');
  seen.set(from, (seen.get(from) ?? 0) + 1);
  response.setHeader('Content-Type', 'application/json');
  response.end('{"ok":true}');
});
process.stdin.on('close', () => process.exit(0)).resume();
server.listen(8080, () => process.stdout.write('ready\n'));
