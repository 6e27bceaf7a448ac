import { expect } from 'vitest';
import { errno } from '../../unit/storage/simulated-disk.ts';
import { WholeCluster } from './cluster.ts';
import type { CreateSessions } from './machine.ts';
import { SessionClients } from './session-clients.ts';

/** Of virtual time: faults, then healing. */
const FAULTS_MS = 8_000;
const HEALED_WITHIN_MS = 30_000;

type Fault = 'kill' | 'powerCut' | 'powerCutAtWrite' | 'diskFull' | 'diskFails' | 'apart' | 'oneWay' | 'all';
const kinds: readonly Fault[] = [
  'kill',
  'powerCut',
  'powerCutAtWrite',
  'diskFull',
  'diskFails',
  'apart',
  'oneWay',
  'all',
];

/** What a member promised is on its disk, so any number of them may fail at any time, all of them at once, too. */
export async function simulate(seed: number, createSessions?: CreateSessions): Promise<WholeCluster> {
  const cluster = new WholeCluster(seed, seed % 4 === 0 ? 5 : 3, createSessions);
  const clients = new SessionClients(cluster);
  const { world } = cluster;
  const { random } = world;
  // Not awaited: a disk needs the time that passes below.
  for (const id of cluster.ids) void cluster.boot(id);
  const every = (ms: number, act: () => void): void => {
    world.after(random.between(0, 2 * ms), () => {
      if (world.nowMs > FAULTS_MS) return;
      if (cluster.alive.length > 0) act();
      every(ms, act);
    });
  };
  every(15, () => cluster.propose());
  every(60, () => cluster.read());
  every(15, () => clients.act());
  const meanMs = random.between(300, 2_000);
  every(meanMs, () => strike(cluster, random.pick(kinds), random.between(10, random.chance(0.5) ? 300 : 2_500)));
  await world.run(() => world.nowMs > FAULTS_MS, FAULTS_MS + 1_000);
  for (const id of cluster.ids) {
    heal(cluster, id);
    void cluster.boot(id);
  }
  const hasRecovered = await world.run(() => isWhole(cluster), world.nowMs + HEALED_WITHIN_MS);
  expect(cluster.failures, cluster.failures[0]).toEqual([]);
  expect(hasRecovered, 'it recovers once healed').toBe(true);
  return cluster;
}

function strike(cluster: WholeCluster, fault: Fault, lastsMs: number): void {
  const { world, network } = cluster;
  const [victim, other] = shuffled(cluster.ids, () => world.random.next()) as [string, string];
  const later = (act: () => void): void => void world.after(lastsMs, act);
  const bootLater = (id: string): void => later(() => void cluster.boot(id));
  switch (fault) {
    case 'kill':
      cluster.kill(victim);
      return bootLater(victim);
    case 'powerCut':
      cluster.cutPower(victim);
      return bootLater(victim);
    case 'powerCutAtWrite': {
      const disk = cluster.disk(victim);
      disk.powerCutAt = disk.operations + Math.ceil(world.random.between(0, 12));
      // A member that writes nothing does not notice.
      return later(() => {
        if (cluster.disk(victim) === disk) cluster.cutPower(victim);
        bootLater(victim);
      });
    }
    case 'diskFull': {
      const disk = cluster.disk(victim);
      disk.capacityBytes = 0;
      // It goes on by itself once there is room, unless something else has ended it meanwhile.
      return later(() => {
        disk.capacityBytes = Infinity;
      });
    }
    case 'diskFails': {
      const disk = cluster.disk(victim);
      disk.fault = (operation, path) => (operation === 'datasync' ? errno('EIO', path) : null);
      return later(() => {
        disk.fault = () => null;
        bootLater(victim);
      });
    }
    case 'apart':
      network.disconnect(victim, other);
      return later(() => network.heal(victim, other));
    case 'oneWay':
      network.cutOneWay(victim, other);
      return later(() => network.heal(victim, other));
    case 'all':
      for (const id of cluster.ids) cluster.cutPower(id);
      return later(() => cluster.ids.forEach((id) => void cluster.boot(id)));
  }
}

function heal(cluster: WholeCluster, id: string): void {
  const disk = cluster.disk(id);
  disk.capacityBytes = Infinity;
  disk.fault = () => null;
  if (disk.hasPower) disk.powerCutAt = null;
  for (const other of cluster.ids) if (other !== id) cluster.network.heal(id, other);
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Everybody runs, one of them leads, and all have applied the same. */
function isWhole({ ids, alive }: WholeCluster): boolean {
  const statuses = alive.map(({ consensus }) => consensus!.status());
  if (statuses.length < ids.length || statuses.filter(({ leading }) => leading).length !== 1) return false;
  return new Set(statuses.map(({ appliedIndex, leaderId }) => `${appliedIndex} ${leaderId}`)).size === 1;
}

export function check(cluster: WholeCluster): void {
  const [applied, ...others] = cluster.alive.map(({ machine }) => machine.applied);
  for (const other of others) expect(other, 'all apply the same').toEqual(applied);
  expect(new Set(applied).size, 'none is applied twice').toBe(applied!.length);
  const all = new Set(applied);
  const of = (kind: string): string[] =>
    cluster.outcomes.filter((each) => each.kind === kind).map(({ command }) => command);
  expect(
    of('acknowledged').filter((command) => !all.has(command)),
    'acknowledged and lost',
  ).toEqual([]);
  expect(
    of('refused').filter((command) => all.has(command)),
    'refused and applied',
  ).toEqual([]);
}
