import net from 'node:net';

/** Bytes that a slow link carries each SLICE_MS. */
const SLICE_BYTES = 64 * 1024;
const SLICE_MS = 25;

/** A relay on loopback between two nodes, whose links can be made to hang or to be slow. Nothing is ever reset by it. */
export class BadLink {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #isSlow = false;

  constructor(targetPort: number) {
    this.#server = net.createServer((near) => this.#relay(near, net.connect(targetPort, '127.0.0.1')));
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(port, '127.0.0.1', resolve));
  }

  /** The connections of this moment carry nothing any more, in either direction; later ones do. */
  hang(): void {
    for (const socket of this.#sockets) socket.removeAllListeners('data').pause();
  }

  /** 2.6 MB/s from now on. */
  slowDown(): void {
    this.#isSlow = true;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #relay(near: net.Socket, far: net.Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => from.destroy());
      from.on('end', () => to.end());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk) => this.#carry(from, to, chunk));
    }
  }

  #carry(from: net.Socket, to: net.Socket, chunk: Buffer): void {
    to.write(chunk);
    if (!this.#isSlow) return;
    from.pause();
    setTimeout(() => from.resume(), (SLICE_MS * chunk.length) / SLICE_BYTES);
  }
}
