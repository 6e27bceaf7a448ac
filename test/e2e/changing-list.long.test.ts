import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClusterHealth } from '../../node/src/api/health.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestAuthority } from '../integration/transport/certificates.ts';
import { FakeGoogle } from '../unit/gcs/fake-google.ts';
import { TestCluster } from './support/cluster.ts';
import { startRecorder } from './support/helpers.ts';

const waitMs = 60_000;
const ratePerSecond = 200;
const durationMs = 40_000;
const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: ${durationMs / 1000}s }
load: { model: rps, target: ${ratePerSecond} }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

let cluster: TestCluster;
let recorder: Awaited<ReturnType<typeof startRecorder>>;
/** The metadata server of each machine, and Cloud Storage. */
let machines: ReadonlyMap<string, FakeGoogle>;
/** Where they are, also once they are stopped. */
let hosts: ReadonlyMap<string, string>;
const authority = new TestAuthority();
/** The object that says who founds; null: it is not written yet. */
let founders: string | null;

beforeEach(async () => {
  recorder = await startRecorder();
  cluster = await TestCluster.prepare(5);
  founders = null;
  const started = await Promise.all(cluster.members.map(async ({ id }) => [id, await FakeGoogle.start()] as const));
  machines = new Map(started);
  hosts = new Map(started.map(([id, { host }]) => [id, host]));
  for (const google of machines.values())
    google.onAsked = (asked) => (founders === null ? asked.answer(404) : asked.give(1, founders));
});
afterEach(async () => {
  await cluster.stop();
  await recorder.stop();
  for (const google of machines.values()) await google.stop();
});

/** e is a learner. */
const listOf = (ids: string): string =>
  ids
    .split('')
    .map((id) => `${id}=${cluster.member(id).raft}${id === 'e' ? '/learner' : ''}`)
    .join(',');
const setList = (on: string, list: string | null): void => {
  for (const id of on) machines.get(id)!.setAttribute('cluster-nodes', list);
};
/** The flags of a node with keys, as `pulumi up` gives them to each. */
function keysOf(id: string): Record<string, string> {
  const folder = join(cluster.directory, `${id}-keys`);
  mkdirSync(folder, { recursive: true });
  const { cert, key, ca } = authority.keysOf(id);
  for (const [name, text] of Object.entries({ cert, key, ca })) writeFileSync(join(folder, name), text);
  const file = (name: string): string => join(folder, name);
  return { 'tls-cert-file': file('cert'), 'tls-key-file': file('key'), 'tls-ca-file': file('ca') };
}
function start(id: string): void {
  const home = join(cluster.directory, 'home');
  mkdirSync(home, { recursive: true });
  const host = hosts.get(id)!;
  // c, whose machine loses its metadata server below, leads only as long as nobody else can: what it has for a list would then count.
  const priority = id === 'c' ? '0' : '1';
  const google = { GCE_METADATA_HOST: host, GCS_API_ENDPOINT: `http://${host}`, HOME: home, CLOUDSDK_CONFIG: home };
  cluster.startNode(
    id,
    {
      ...{ nodes: '', 'discovery-mode': 'gce', founders: 'gs://plans/founders.txt', 'election-priority': priority },
      ...keysOf(id),
      ...(id === 'e' && { role: 'learner' }),
    },
    google,
  );
}
const health = async (id: string): Promise<ClusterHealth> => {
  const answer = await fetch(`http://${cluster.member(id).api}/health/cluster`);
  return (await answer.json()) as ClusterHealth;
};
/** Until each of these says that exactly they are members, all reached. Resolves with the id of the cluster. */
async function formed(ids: string): Promise<string> {
  const seen = await Promise.all(
    ids.split('').map((id) =>
      waitFor(
        `${id} to be in a cluster of ${ids}`,
        waitMs,
        async () => {
          const { cluster_formed: isFormed, cluster_id: cluster, members } = await health(id);
          const there = members.filter(({ role, connected }) => role !== null && connected).map((member) => member.id);
          return isFormed && there.sort().join('') === ids && cluster !== null && cluster;
        },
        cluster.processes.firstDead,
      ),
    ),
  );
  expect(new Set(seen).size).toBe(1);
  return seen[0]!;
}
const said = (id: string, words: string): Promise<unknown> =>
  waitFor(`${id} to say: ${words}`, waitMs, () =>
    Promise.resolve(cluster.log(id).some(({ msg }) => msg.includes(words))),
  );

it(
  'three become four and a learner, and three again, with a run on, by what their machines have for a list',
  { timeout: 240_000 },
  async () => {
    try {
      setList('abc', listOf('abc'));
      for (const id of 'abc') start(id);
      await said('a', 'it is not known yet who founds the cluster');
      founders = `${listOf('abc')}\n`;
      const founded = await formed('abc');
      await cluster.submit(plan(recorder.baseUrl), 'changing');
      await cluster.runReaches('running', waitMs, 1000);

      // The new ones are there before anybody's list has them.
      setList('de', listOf('abcde'));
      start('d');
      start('e');
      await said('d', 'a cluster is there: waiting for its leader to admit this node');
      setList('abc', listOf('abcde'));
      expect(await formed('abcde')).toBe(founded);
      await waitFor(
        'all to fire',
        waitMs,
        async () => (await cluster.firing()) === 'abcde',
        cluster.processes.firstDead,
      );

      // d and e are killed, as a deleted machine is, and only then the others' lists change, one after the other.
      await cluster.processes.kill('d', 'SIGKILL');
      await cluster.processes.kill('e', 'SIGKILL');
      for (const id of 'abc') setList(id, listOf('abc'));
      expect(await formed('abc')).toBe(founded);

      await cluster.runReaches('finished', durationMs + waitMs);
      const { books } = await cluster.report();
      const { numbers } = await recorder.hits();
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(books).toMatchObject({ planned: (ratePerSecond * durationMs) / 1000, balanced: true });
    } catch (error) {
      throw new Error(`${String(error)}\n${cluster.processes.lastWords()}`, { cause: error });
    }
  },
);

it(
  'a wrong list, no list and a metadata server that is away change nothing, for who runs and for who starts again',
  { timeout: 240_000 },
  async () => {
    try {
      founders = `${listOf('abc')}\n`;
      setList('abc', listOf('abc'));
      for (const id of 'abc') start(id);
      const founded = await formed('abc');
      setList('a', 'a=nowhere:port');
      setList('b', null);
      await machines.get('c')!.stop();
      await said('a', '"port" is not a port');
      await said('b', 'has no attribute cluster-nodes');
      await said('c', 'the attribute cluster-nodes of this machine, asked of');
      await cluster.processes.kill('c', 'SIGTERM');
      start('c');
      expect(await formed('abc')).toBe(founded);
      // Two of three say that c is gone: but one of them has no list that can be read, so that is no majority of those that stay.
      setList('b', listOf('ab'));
      await said('b', 'the list of the nodes');
      expect(await formed('abc')).toBe(founded);
      setList('a', listOf('ab'));
      await waitFor('c to end, as it was removed', waitMs, async () => {
        const { members } = await health('a');
        return (
          members
            .map(({ id }) => id)
            .sort()
            .join('') === 'ab'
        );
      });
      await said('c', 'was removed');
      // It begins anew once it is in the lists again: what it had promised is forgotten, and that there is a cluster is not.
      await waitFor('c to have ended', waitMs, () => Promise.resolve(cluster.processes.firstDead() !== null));
      await cluster.processes.kill('c', 'SIGKILL');
      const google = await FakeGoogle.start();
      machines = new Map([...machines, ['c', google]]);
      hosts = new Map([...hosts, ['c', google.host]]);
      setList('abc', listOf('abc'));
      start('c');
      expect(await formed('abc')).toBe(founded);
    } catch (error) {
      throw new Error(`${String(error)}\n${cluster.processes.lastWords()}`, { cause: error });
    }
  },
);
