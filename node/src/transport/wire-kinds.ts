import { grpcKind } from './grpc/kind.ts';
import type { WireKind } from './peer/wire.ts';
import { tcpKind } from './tcp/kind.ts';

/** Every way of carrying frames there is: a port of one tells the diallers of the others that they are wrong here. */
export const wireKinds: readonly WireKind[] = [grpcKind, tcpKind];
