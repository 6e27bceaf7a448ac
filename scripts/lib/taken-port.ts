import { createServer } from 'node:net';

/** The first of these addresses (host:port) that another process listens on, or null. */
export async function takenAddress(addresses: readonly string[]): Promise<string | null> {
  for (const address of addresses) if (await isTaken(address)) return address;
  return null;
}

function isTaken(address: string): Promise<boolean> {
  const [host, port] = address.split(':') as [string, string];
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(true) : reject(error),
    );
    server.listen({ host, port: Number(port) }, () => server.close(() => resolve(false)));
  });
}
