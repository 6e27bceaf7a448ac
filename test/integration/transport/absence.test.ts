import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { onAbsence } from '../../../node/src/transport/peer/absence.ts';

let server: Server | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

async function listen(host: string): Promise<number> {
  server = createServer().listen(0, host);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

describe('the look whether a process still listens', () => {
  it.each(['127.0.0.1', 'localhost'])('tells of %s when its port is closed', async (host) => {
    const port = await listen(host);
    server!.close();
    await once(server!, 'close');
    await new Promise<void>((resolve) => onAbsence(host, port, resolve));
  });

  it('tells nothing when somebody listens, and leaves at once without a byte', async () => {
    const port = await listen('127.0.0.1');
    let isAbsent = false;
    onAbsence('127.0.0.1', port, () => (isAbsent = true));
    const [socket] = (await once(server!, 'connection')) as [Socket];
    const bytes: Buffer[] = [];
    socket.on('data', (chunk) => bytes.push(chunk));
    await once(socket, 'close');
    expect([isAbsent, bytes]).toEqual([false, []]);
  });
});
