import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLUSTER_RANGE, REGION_SLOTS } from '../../../infra/src/plan/addresses.ts';
import { planCluster, type ClusterPlan } from '../../../infra/src/plan/cluster-plan.ts';
import { estimateCost } from '../../../infra/src/plan/cost.ts';
import { machineTypes } from '../../../infra/src/plan/prices.ts';
import { codeOf, regions } from '../../../infra/src/plan/regions.ts';
import { estimateRoundTripMs, estimateTimings } from '../../../infra/src/plan/timings.ts';
import { parseClusterNodes } from '../../../node/src/transport/addresses.ts';

const names = regions.map(({ name }) => name);
const lists = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 7 });
const sizes = fc.integer({ min: 1, max: 7 });
/** The longest name that the configuration lets through. */
const stacks = fc.constantFrom('dev', 'a23456789-123456');
const loads = fc.integer({ min: 0, max: 50 });
const plan = (list: readonly string[], nodesPerRegion: number, stack = 'dev', loadNodesPerRegion = 0): ClusterPlan =>
  planCluster({ stack, regions: list, nodesPerRegion, loadNodesPerRegion });

/** First and last address of "a.b.c.d/n", as numbers. */
function boundsOf(cidr: string): readonly [number, number] {
  const [address = '', length = '32'] = cidr.split('/');
  const first = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return [first, first + 2 ** (32 - Number(length)) - 1];
}

const holds = (outer: string, inner: string): boolean => {
  const [[first, last], [from, to]] = [boundsOf(outer), boundsOf(inner)];
  return first <= from && to <= last;
};

describe('planCluster', () => {
  it('plans one node in each of three regions', () => {
    const {
      regions: subnets,
      nodes,
      clusterNodes,
      prefix,
    } = plan(['us-central1', 'europe-west1', 'asia-northeast1'], 1);
    expect(prefix).toBe('tutti-dev');
    expect(subnets[1]).toEqual({ name: 'europe-west1', subnetName: 'tutti-dev-europe-west1', cidr: '10.80.0.0/20' });
    expect(nodes[1]).toEqual({
      id: 'europe-west1-1',
      name: 'tutti-dev-europe-west1-1',
      accountId: 'tutti-dev-euw1-1',
      region: 'europe-west1',
      zone: 'europe-west1-b',
      role: 'voter',
      internalIp: '10.80.0.10',
      electionPriority: 1,
      labels: { 'managed-by': 'pulumi', application: 'tutti', stack: 'dev', node: 'europe-west1-1' },
    });
    expect(clusterNodes).toBe(
      'asia-northeast1-1=10.67.0.10:7000,europe-west1-1=10.80.0.10:7000,us-central1-1=10.97.0.10:7000',
    );
  });

  it('plans load-only nodes beside them, which are no founders and no reason to prefer a leader', () => {
    const list = ['us-central1', 'europe-west1', 'asia-northeast1'];
    const { nodes, clusterNodes, founders, timings } = plan(list, 1, 'dev', 2);
    expect(nodes.filter(({ role }) => role === 'learner').map(({ id }) => id)).toEqual(
      list.flatMap((region) => [`${region}-load-1`, `${region}-load-2`]),
    );
    expect(nodes.find(({ id }) => id === 'europe-west1-load-2')).toEqual({
      id: 'europe-west1-load-2',
      name: 'tutti-dev-europe-west1-load-2',
      accountId: 'tutti-dev-euw1ab',
      region: 'europe-west1',
      zone: 'europe-west1-c',
      role: 'learner',
      internalIp: '10.80.0.51',
      electionPriority: 0,
      labels: { 'managed-by': 'pulumi', application: 'tutti', stack: 'dev', node: 'europe-west1-load-2' },
    });
    expect(clusterNodes).toContain(',europe-west1-load-2=10.80.0.51:7000/learner,');
    expect({ founders, timings }).toEqual({ founders: plan(list, 1).clusterNodes, timings: plan(list, 1).timings });
  });

  it('gives every region a subnet of its own, in the range that the hosts let in', () => {
    expect(regions.length).toBeLessThanOrEqual(REGION_SLOTS);
    const subnets = plan(names, 1).regions;
    const sorted = subnets.map(({ cidr }) => boundsOf(cidr)).sort(([a], [b]) => a - b);
    for (const [index, [first]] of sorted.entries()) expect(first).toBeGreaterThan(sorted[index - 1]?.[1] ?? 0);
    for (const { cidr } of subnets) expect(holds(CLUSTER_RANGE, cidr)).toBe(true);
  });

  it('keeps what a node has when regions come and go, at the end or in the middle', () => {
    fc.assert(
      fc.property(
        lists,
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        sizes,
        loads,
        (list, kept, size, load) => {
          const left = list.filter((_, index) => kept[index]);
          fc.pre(left.length > 0);
          const all = plan(list, size, 'dev', load);
          const fewer = plan(left, size, 'dev', load);
          for (const region of fewer.regions) expect(all.regions).toContainEqual(region);
          for (const node of fewer.nodes) {
            const before = all.nodes.find(({ id }) => id === node.id)!;
            expect(node).toEqual({ ...before, electionPriority: node.electionPriority });
          }
        },
      ),
    );
  });

  it('puts every node into its subnet, clear of the addresses that Google keeps, and into a zone of its region', () => {
    fc.assert(
      fc.property(lists, sizes, loads, (list, size, load) => {
        const { regions: subnets, nodes } = plan(list, size, 'dev', load);
        for (const node of nodes) {
          const [first, last] = boundsOf(subnets.find(({ name }) => name === node.region)!.cidr);
          const [address] = boundsOf(node.internalIp);
          expect(address).toBeGreaterThan(first + 1);
          expect(address).toBeLessThan(last - 1);
          expect(node.zone).toMatch(new RegExp(`^${node.region}-[a-f]$`));
        }
        expect(new Set(nodes.map(({ internalIp }) => internalIp)).size).toBe(nodes.length);
      }),
    );
  });

  it('spreads the nodes of a region over its zones', () => {
    expect(plan(['us-east1'], 4).nodes.map(({ zone }) => zone.at(-1))).toEqual(['b', 'c', 'd', 'b']);
  });

  it('keeps to what Google lets names be, and gives each once', () => {
    fc.assert(
      fc.property(lists, sizes, stacks, loads, (list, size, stack, load) => {
        const { nodes, regions: subnets } = plan(list, size, stack, load);
        // The longest name that is made of a node's, its disk's.
        const resources = [...nodes.map(({ name }) => `${name}-data`), ...subnets.map(({ subnetName }) => subnetName)];
        for (const name of resources) expect(name).toMatch(/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/);
        for (const { accountId } of nodes) expect(accountId).toMatch(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
        expect(new Set(nodes.map(({ accountId }) => accountId)).size).toBe(nodes.length);
        expect(new Set(resources).size).toBe(resources.length);
        for (const { labels } of nodes)
          for (const label of Object.values(labels)) expect(label).toMatch(/^[a-z0-9_-]{1,63}$/);
      }),
    );
    expect(new Set(names.map(codeOf)).size).toBe(names.length);
  });

  it('writes CLUSTER_NODES as a node reads it, in whatever order the regions are', () => {
    fc.assert(
      fc.property(lists, sizes, fc.integer({ min: 0, max: 5 }), (list, size, load) => {
        const { nodes, clusterNodes, founders } = plan(list, size, 'dev', load);
        const read = parseClusterNodes(clusterNodes);
        expect(read).toHaveLength(nodes.length);
        for (const { id, internalIp, role } of nodes) {
          const mark = role === 'learner' ? { isLearner: true } : {};
          expect(read).toContainEqual({ id, host: internalIp, port: 7000, ...mark });
        }
        expect(parseClusterNodes(founders)).toEqual(read.filter(({ isLearner }) => isLearner !== true));
        expect(plan(list.toReversed(), size, 'dev', load).clusterNodes).toBe(clusterNodes);
      }),
    );
  });
});

describe('estimateTimings', () => {
  /** Measured by others (style-and-infra.md B5): milliseconds from city to city. The estimate may be longer, never shorter. */
  it.each([
    ['us-central1', 'us-east1', 30],
    ['us-east1', 'us-west1', 60],
    ['us-east1', 'europe-west1', 85],
    ['us-central1', 'europe-west1', 100],
    ['us-central1', 'asia-northeast1', 130],
    ['us-central1', 'australia-southeast1', 170],
    ['europe-west1', 'asia-southeast1', 190],
    ['europe-west1', 'asia-northeast1', 220],
  ])('takes %s to %s for no less than %d ms, and for less than three times that', (from, to, ms) => {
    expect(estimateRoundTripMs(from, to)).toBeGreaterThanOrEqual(ms);
    expect(estimateRoundTripMs(from, to)).toBeLessThan(3 * ms);
  });

  it('is the same both ways', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...names), (a, b) => {
        expect(estimateRoundTripMs(a, b)).toBe(estimateRoundTripMs(b, a));
      }),
    );
  });

  it('gives an election ten of the steps that hold the longest round trip, never less than on one site', () => {
    expect(estimateTimings(['us-east1', 'us-east1', 'us-east1'])).toEqual({
      longestRoundTripMs: 2,
      electionTimeoutMs: 150,
      central: ['us-east1'],
    });
    expect(estimateTimings(['us-east1', 'europe-west1', 'asia-northeast1']).electionTimeoutMs).toBe(3200);
    fc.assert(
      fc.property(lists, (list) => {
        const { longestRoundTripMs, electionTimeoutMs } = estimateTimings(list);
        expect(electionTimeoutMs).toBeGreaterThanOrEqual(10 * longestRoundTripMs);
      }),
    );
  });

  it('prefers leaders where a majority is nearest, and nobody in a single region', () => {
    const preferred = (list: readonly string[], size = 1): readonly string[] =>
      plan(list, size)
        .nodes.filter(({ electionPriority }) => electionPriority > 0)
        .map(({ region }) => region);
    expect(preferred(['us-east1', 'europe-west1', 'europe-west4', 'europe-west9', 'asia-northeast1'])).toEqual([
      'europe-west1',
    ]);
    expect(preferred(['us-east1'], 3)).toEqual([]);
  });
});

const unknown = { gb: null, usd: null, usdPerHour: null };

describe('estimateCost', () => {
  it('adds machines, disks and addresses, and shows the load apart', () => {
    const plan = { gb: 1.23456, usd: 0.1481, usdPerHour: 8.888 };
    const input = { nodes: 3, machineType: 'e2-standard-2', dataDiskGib: 10, maxRunHours: 24 } as const;
    expect(estimateCost(input, plan)).toEqual({
      usdPerHour: 0.22,
      usdUntilStopped: 5.38,
      usdPerDayStopped: 0.56,
      egressUsdPerHourAtOneGbitPerNode: 162,
      egressOfPlan: { gb: 1.235, usd: 0.15, usdPerHour: 8.89 },
    });
    expect(estimateCost(input, unknown).egressOfPlan).toBeNull();
  });

  it('grows with all that is asked for', () => {
    const inputs = fc.record({
      nodes: fc.integer({ min: 3, max: 7 }),
      machineType: fc.constantFrom(...machineTypes),
      dataDiskGib: fc.integer({ min: 10, max: 1000 }),
      maxRunHours: fc.integer({ min: 1, max: 720 }),
    });
    fc.assert(
      fc.property(inputs, (input) => {
        const { usdUntilStopped } = estimateCost(input, unknown);
        expect(estimateCost({ ...input, nodes: input.nodes + 1 }, unknown).usdUntilStopped).toBeGreaterThan(
          usdUntilStopped,
        );
        expect(estimateCost({ ...input, maxRunHours: input.maxRunHours + 1 }, unknown).usdUntilStopped).toBeGreaterThan(
          usdUntilStopped,
        );
      }),
    );
  });
});
