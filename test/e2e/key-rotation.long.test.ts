import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TlsIdentity } from '../../node/src/transport/peer/options.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestAuthority } from '../integration/transport/certificates.ts';
import { type LogLine, TestCluster } from './support/cluster.ts';
import { waitMs } from './support/consul.ts';
import { firedOnce } from './support/fired-once.ts';
import { startRecorder } from './support/helpers.ts';

const takes = /^takes the changed keys/;
const ratePerSecond = 50;
const seconds = 40;

let cluster: TestCluster;
let recorder: Awaited<ReturnType<typeof startRecorder>>;
beforeEach(async () => {
  recorder = await startRecorder();
  cluster = await TestCluster.prepare(3);
});
afterEach(async () => {
  await cluster.stop();
  await recorder.stop();
});

const plan = (): string => `
version: "1.0"
config: { baseUrl: "${recorder.baseUrl}", duration: ${seconds}s }
load: { model: rps, target: ${ratePerSecond} }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

let sets = 0;
/** As `tutti credentials sync` does: a whole set by one rename. */
function put(id: string, { cert, key, ca }: TlsIdentity): void {
  const folder = join(cluster.directory, `${id}-keys`);
  const set = `set-${(sets += 1)}`;
  mkdirSync(join(folder, set), { recursive: true });
  for (const [name, text] of Object.entries({ 'node.pem': cert, 'node.key': key, 'ca.pem': ca }))
    writeFileSync(join(folder, set, name), text);
  symlinkSync(set, join(folder, '.next'));
  renameSync(join(folder, '.next'), join(folder, 'current'));
}

const lines = (pattern: RegExp): readonly LogLine[] =>
  cluster.members.flatMap(({ id }) => cluster.log(id)).filter(({ msg }) => pattern.test(msg));

function startNode(id: string, transport: string): void {
  const file = (name: string): string => join(cluster.directory, `${id}-keys`, 'current', name);
  const keys = { 'tls-cert-file': file('node.pem'), 'tls-key-file': file('node.key'), 'tls-ca-file': file('ca.pem') };
  // An election is to be the keys' fault alone, not that of a machine which stood still for a fifth of a second.
  cluster.startNode(id, { ...keys, transport, timings: 'wan' });
}

/** New keys for every node, and each has taken them. */
async function rotate(keysOf: (id: string) => TlsIdentity): Promise<void> {
  const before = lines(takes).length;
  for (const { id } of cluster.members) put(id, keysOf(id));
  await waitFor('all nodes to take their keys', waitMs, () =>
    Promise.resolve(lines(takes).length === before + cluster.members.length),
  );
}

describe.each(['grpc', 'tcp'])(
  'keys that are renewed under load, CLUSTER_TRANSPORT=%s',
  { timeout: 180_000 },
  (transport) => {
    it('one authority takes over from another in mid-run: no connection is lost, nobody is elected, and a node that starts anew is let in', async () => {
      const [before, after] = [new TestAuthority('before'), new TestAuthority('after')];
      const both = before.pem + after.pem;
      for (const { id } of cluster.members) {
        put(id, before.keysOf(id));
        startNode(id, transport);
      }
      await cluster.formed();
      const [leader, elections] = [await cluster.leader(), lines(/^elected: leads/).length];
      await cluster.submit(plan(), 'rotation');
      await cluster.runReaches('running', waitMs, 1_000);
      const isLost = (): readonly LogLine[] => lines(/^lost: |^now (preCandidate|candidate)/);
      const lostBefore = isLost().length;
      await rotate((id) => before.keysOf(id, { ca: both }));
      await rotate((id) => after.keysOf(id, { ca: both }));
      await rotate((id) => after.keysOf(id));
      expect(isLost().slice(lostBefore)).toEqual([]);
      expect([await cluster.leader(), lines(/^elected: leads/).length]).toEqual([leader, elections]);
      expect((await cluster.runReaches('running', waitMs)).state).toBe('running');
      await cluster.runReaches('finished', waitMs);
      await firedOnce(cluster, recorder, ratePerSecond * seconds);
      // All that stands was opened with keys that nobody trusts any more; what is opened now is not.
      const follower = cluster.members.find(({ id }) => id !== leader)!.id;
      await cluster.processes.kill(follower, 'SIGTERM');
      const from = cluster.log(follower).length;
      startNode(follower, transport);
      await waitFor('it to be connected to both others', waitMs, () =>
        Promise.resolve(
          cluster
            .log(follower)
            .slice(from)
            .filter(({ msg }) => msg === 'connected').length === 2,
        ),
      );
    });
  },
);
