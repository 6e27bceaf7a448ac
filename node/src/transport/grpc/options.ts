export type { PeerTransportOptions as GrpcTransportOptions, TlsIdentity } from '../peer/options.ts';
