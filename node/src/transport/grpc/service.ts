import type * as grpc from '@grpc/grpc-js';
import { MAX_FRAME_BYTES } from '../peer/wire.ts';

/** Receive window for each stream of a dialler, in bytes; the default of 64 KiB would cap a 100 ms path at 640 KiB/s. */
const FLOW_CONTROL_WINDOW_BYTES = 4 * 1024 * 1024;

/** Below the application's pings (liveness.ts), which decide; this one clears a path on which nothing ends a dead socket. */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

const identity = (bytes: Buffer): Buffer => bytes;

/** The service of proto/tutti/peer/v1/peer.proto. Frames are encoded by codec.ts: here they are bytes. */
export const connectMethod: grpc.MethodDefinition<Buffer, Buffer> = {
  path: '/tutti.peer.v1.Peer/Connect',
  requestStream: true,
  responseStream: true,
  requestSerialize: identity,
  requestDeserialize: identity,
  responseSerialize: identity,
  responseDeserialize: identity,
};

export const peerService: grpc.ServiceDefinition = { connect: connectMethod };

const commonOptions: grpc.ChannelOptions = {
  'grpc.max_receive_message_length': MAX_FRAME_BYTES,
  'grpc.max_send_message_length': MAX_FRAME_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.enable_channelz': 0,
};

export const serverOptions: grpc.ServerOptions = {
  ...commonOptions,
  // Each dialler opens a connection of its own for its one stream.
  'grpc.max_concurrent_streams': 1,
};

/**
 * For an IP address with TLS: the library would ask for it by name, which RFC 6066 section 3 does not allow, and Node.js writes a warning among
 * the lines of the log. Acceptors have one certificate and do not look at the name; the dialler checks the address itself (tls.ts).
 */
export const namedOptions: grpc.ClientOptions = { 'grpc.ssl_target_name_override': 'tutti' };

export const clientOptions: grpc.ClientOptions = {
  ...commonOptions,
  // Each dial is a connection of its own: one that is shared would die, and back off, with another's.
  'grpc.use_local_subchannel_pool': 1,
  // A stream is never repeated by the library, so it need not keep what was sent.
  'grpc.enable_retries': 0,
  // Peers are dialled directly: neither a proxy of the environment nor TXT records of the DNS have a say.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
};
