import { systemClock } from '../../../node/src/lib/clock.ts';
import { MemoryNetwork } from '../../../node/src/transport/memory/memory-network.ts';
import { type CreateTransport, identityOf, LoopbackCluster, networkTransports } from './loopback.ts';
import { transportContract, type TransportNetwork } from './transport-contract.ts';

function network(create: CreateTransport, host: string, secret: string | null): () => Promise<TransportNetwork> {
  return () => {
    const cluster = new LoopbackCluster(create, ['a', 'b'], host);
    return Promise.resolve({
      make: (id, identity = {}) => cluster.make(id === 'a' ? 0 : 1, id, { identity, security: { secret, tls: null } }),
      cut: (transport) => transport.close(),
      close: () => cluster.close(),
    });
  };
}

for (const [name, create] of networkTransports) {
  transportContract(`${name} over IPv4`, network(create, '127.0.0.1', null));
  transportContract(`${name} over IPv6 with a secret`, network(create, '::1', 'a shared secret'));
  transportContract(`${name} by host name`, network(create, 'localhost', null));
}

transportContract('memory', () => {
  const memory = new MemoryNetwork({ clock: systemClock });
  return Promise.resolve({
    make: (id, changes = {}) => memory.transport(() => identityOf(id, changes)),
    cut: (transport) => transport.close(),
    close: () => Promise.resolve(),
  });
});
