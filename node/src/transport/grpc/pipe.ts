import type { ClientDuplexStream, ServerDuplexStream } from '@grpc/grpc-js';
import { causeOf } from '../peer/end-cause.ts';
import { withoutThread } from '../peer/tls.ts';
import type { Pipe, PipeHandlers } from '../peer/wire.ts';

/** HTTP/2's default window (RFC 9113 section 6.9.2), which grpc-js gives its servers no option to change. */
const ACCEPTOR_WINDOW_BYTES = 65_535;

export type GrpcStream = ClientDuplexStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** One gRPC stream, either end of it. */
export class GrpcPipe implements Pipe {
  readonly windowBytes = ACCEPTOR_WINDOW_BYTES;
  readonly #stream: GrpcStream;
  readonly #cut: () => void;

  /** `cut` ends the connection below the stream, at once. */
  constructor(stream: GrpcStream, cut: () => void) {
    this.#stream = stream;
    this.#cut = cut;
  }

  open(handlers: PipeHandlers): void {
    const lost = (): void => handlers.onEnd('reset: the connection was lost', 'lost');
    this.#stream.on('data', (bytes: Buffer) => handlers.onFrame(bytes));
    this.#stream.on('end', () => handlers.onEnd('closed: the peer ended the stream', 'lost'));
    this.#stream.on('cancelled', lost);
    this.#stream.on('error', (error: Error & { readonly details?: string }) => {
      const details = readable(error.details ?? error.message);
      handlers.onEnd(`reset: ${details}`, causeOf(details));
    });
    this.#stream.on('close', lost);
  }

  write(frame: Uint8Array, written: () => void): void {
    this.#stream.write(Buffer.from(frame.buffer, frame.byteOffset, frame.length), () => written());
  }

  /** The library has one limit for all frames, proven or not (service.ts). */
  trust(): void {}

  end(ended: () => void): void {
    // Of a dialler: the acceptor has ended too. An acceptor leaves the connection to the dialler, which closes it once it
    // has read everything: cut here, a reset could overtake the last frame.
    this.#stream.once('status', ended);
    this.#stream.end();
  }

  cut(): void {
    this.#stream.end();
    this.#cut();
  }
}

/** grpc-js adds the time of day, which would make every attempt look like another problem, and a frame of words around it. */
function readable(reason: string): string {
  const timeless = reason.replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '');
  const bare = timeless.replace(/^No connection established\. Last error: (Error: )?/, '');
  return withoutThread(bare.replace(/\.? Resolution note:.*$/s, ''));
}
