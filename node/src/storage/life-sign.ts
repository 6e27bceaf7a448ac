import { randomBytes } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/**
 * A Unix socket in a directory, by which a process shows that it lives to all that see the directory on the same machine, from other
 * containers too: a socket in the file system belongs to no network namespace (unix(7)), and the kernel closes it with the process.
 */
export interface LifeSign {
  readonly name: string;
  /** Takes the socket away. */
  close(): void;
}

/** What unix(7) has room for in an address. */
const maxPathBytes = 107;

/** Null where the file system knows no sockets, or the path is too long for one: whoever lives then cannot be told from who is dead. */
export function openLifeSign(directory: string): Promise<LifeSign | null> {
  const name = `life-${randomBytes(8).toString('hex')}`;
  const path = join(directory, name);
  const { promise, resolve } = Promise.withResolvers<LifeSign | null>();
  // libuv cuts a longer path off, and would make a socket elsewhere.
  if (Buffer.byteLength(path) > maxPathBytes) return Promise.resolve(null);
  const server = createServer((socket) => socket.destroy());
  // It keeps no process alive that has nothing else to do.
  server.unref();
  server.once('error', () => resolve(null));
  server.listen(path, () => resolve({ name, close: () => void server.close() }));
  return promise;
}

/** Whether a process listens on the socket, be it hung or stopped; null where this cannot be told. */
export function showsLife(path: string): Promise<boolean | null> {
  const { promise, resolve } = Promise.withResolvers<boolean | null>();
  const socket = connect(path);
  socket.once('connect', () => {
    socket.destroy();
    resolve(true);
  });
  socket.once('error', (error: NodeJS.ErrnoException) =>
    // Nobody listens on it any more, or its owner has taken it away; anything else, like a missing right, says nothing.
    resolve(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? false : null),
  );
  return promise;
}
