import { LoopbackCluster } from './loopback.ts';
import { transportContract, type TransportNetwork } from './transport-contract.ts';

function network(host: string, secret: string | null): () => Promise<TransportNetwork> {
  return () => {
    const cluster = new LoopbackCluster(['a', 'b'], host);
    return Promise.resolve({
      make: (id, identity = {}) => cluster.make(id === 'a' ? 0 : 1, id, { identity, security: { secret, tls: null } }),
      cut: (transport) => transport.close(),
      close: () => cluster.close(),
    });
  };
}

transportContract('grpc over IPv4', network('127.0.0.1', null));
transportContract('grpc over IPv6 with a secret', network('::1', 'a shared secret'));
transportContract('grpc by host name', network('localhost', null));
