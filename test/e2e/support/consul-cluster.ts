import { Resolver } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import type { ConsulAgent } from '../../support/consul/agent.ts';
import { TestCluster } from './cluster.ts';
import { waitMs } from './consul.ts';

const roles = ['forming', 'follower', 'leader'] as const;
type Role = (typeof roles)[number];

let services = 0;
/** For a cluster that shares a Consul with those of other tests: nobody looks for it there. */
export const ownService = (): Record<string, string> => ({ 'consul-service-name': `cluster-${(services += 1)}` });

interface Registered {
  readonly id: string;
  readonly node: string;
  readonly tags: readonly string[];
  readonly address: string;
  readonly isPassing: boolean;
}

/** Real node processes that find each other by a real Consul. */
export class ConsulCluster {
  readonly nodes: TestCluster;
  readonly #consul: ConsulAgent;
  readonly #service: string;
  readonly #flags: Readonly<Record<string, string>>;
  readonly #env: Record<string, string>;

  private constructor(
    nodes: TestCluster,
    consul: ConsulAgent,
    flags: Record<string, string>,
    env: Record<string, string>,
  ) {
    this.nodes = nodes;
    this.#consul = consul;
    this.#flags = flags;
    this.#service = flags['consul-service-name'] ?? 'loadtest-cluster';
    this.#env = env;
  }

  /** Names and ports; nothing runs yet. */
  static async prepare(
    consul: ConsulAgent,
    size: number,
    flags: Record<string, string> = {},
    env: Record<string, string> = {},
  ): Promise<ConsulCluster> {
    return new ConsulCluster(await TestCluster.prepare(size), consul, flags, env);
  }

  get ids(): readonly string[] {
    return this.nodes.members.map(({ id }) => id);
  }

  start(
    ids: readonly string[] = this.ids,
    flags: Readonly<Record<string, string>> = {},
    env: Record<string, string> = {},
  ): void {
    const own = { nodes: '', 'discovery-mode': 'consul', 'consul-addr': this.#consul.address, 'expect-nodes': '3' };
    for (const id of ids) this.nodes.startNode(id, { ...own, ...this.#flags, ...flags }, { ...this.#env, ...env });
  }

  async health(id: string): Promise<ClusterHealth> {
    const answer = await fetch(`http://${this.nodes.member(id).api}/health/cluster`);
    return (await answer.json()) as ClusterHealth;
  }

  /** Until each of them says that exactly these are voters, reached, under one leader. Resolves with the id of the cluster. */
  async formed(ids: readonly string[] = this.ids): Promise<string> {
    const clusters = await Promise.all(
      ids.map((id) =>
        waitFor(
          `${id} to be in a cluster of ${ids.join(', ')}`,
          waitMs,
          async () => {
            const { cluster_formed: isFormed, cluster_id: cluster, members } = await this.health(id);
            const bound = members.filter((member) => member.bound && member.connected).map((member) => member.id);
            return isFormed && bound.sort().join() === [...ids].sort().join() && cluster !== null && cluster;
          },
          this.nodes.processes.firstDead,
        ),
      ),
    );
    if (new Set(clusters).size !== 1) throw new Error(`several clusters: ${clusters.join(', ')}`);
    return clusters[0]!;
  }

  /** Whom all of these nodes take for it, and who is one of them. */
  async leader(among: readonly string[] = this.ids): Promise<string> {
    return waitFor(`one leader of ${among.join(', ')}`, waitMs, async () => {
      const leaders = await Promise.all(among.map(async (id) => (await this.health(id)).leader_id));
      const [leader] = leaders;
      return new Set(leaders).size === 1 && leader != null && among.includes(leader) && leader;
    });
  }

  /** What Consul's catalogue has of the service. */
  async catalogue(): Promise<readonly Registered[]> {
    const text = await this.#consul.get(`/v1/health/service/${this.#service}`);
    const entries = JSON.parse(text) as {
      readonly Service: {
        readonly ID: string;
        readonly Tags: readonly string[];
        readonly Address: string;
        readonly Port: number;
        readonly Meta: Record<string, string>;
      };
      readonly Checks: readonly { readonly Status: string; readonly ServiceID: string }[];
    }[];
    return entries.map(({ Service, Checks }) => ({
      id: Service.ID,
      node: Service.Meta.node_id ?? '',
      tags: Service.Tags,
      address: `${Service.Address}:${Service.Port}`,
      isPassing: Checks.every(({ Status }) => Status === 'passing'),
    }));
  }

  /** What the check of the only node there is answered last; empty before the first time. The catalogue hears of that minutes later. */
  async checked(): Promise<string> {
    const checks = JSON.parse(await this.#consul.get('/v1/agent/checks')) as Readonly<
      Record<string, { readonly ServiceName: string; readonly Output: string }>
    >;
    return Object.values(checks).find(({ ServiceName }) => ServiceName === this.#service)?.Output ?? '';
  }

  /** The ports that DNS gives for a role, sorted; each node here has its own. */
  async portsByDns(role: Role): Promise<readonly number[]> {
    const resolver = new Resolver();
    resolver.setServers([this.#consul.dnsAddress]);
    const found = await resolver.resolveSrv(`${role}.${this.#service}.service.consul`).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return [];
      throw error;
    });
    return found.map(({ port }) => port).sort();
  }

  /**
   * Until Consul has these and nobody else as healthy, in the catalogue and by DNS, each with the role that it says itself it has, one
   * of them the leader. Resolves with that one. Whoever leads may change meanwhile: then what is true has changed, too.
   */
  async truthfullyTagged(ids: readonly string[] = this.ids): Promise<string> {
    return waitFor(`Consul to have the roles of ${ids.join(', ')}`, waitMs, async () => {
      const said = await Promise.all(ids.map(async (id) => [id, (await this.health(id)).state] as const));
      const entries = (await this.catalogue()).filter(({ isPassing }) => isPassing);
      for (const role of roles) {
        const truth = said.filter(([, state]) => state === role).map(([id]) => id);
        const tagged = entries.filter(({ tags }) => tags.includes(role)).map(({ node }) => node);
        const ports = truth.map((id) => Number(this.nodes.member(id).raft.split(':')[1]));
        const found = await this.portsByDns(role);
        if (tagged.sort().join() !== truth.sort().join() || found.join() !== ports.sort().join())
          throw new Error(`${role}: ${truth.join()} say so, ${tagged.join()} are tagged, DNS has ${found.join()}`);
      }
      const leaders = said.filter(([, state]) => state === 'leader');
      return entries.length === ids.length && leaders.length === 1 && leaders[0]![0];
    });
  }

  /** The healthy nodes by role, as soon as they are these. */
  async tagged(role: string, ids: readonly string[]): Promise<void> {
    await waitFor(`Consul to have ${role}: ${ids.join(', ')}`, waitMs, async () => {
      const entries = await this.catalogue();
      const found = entries.filter(({ tags, isPassing }) => isPassing && tags.includes(role)).map(({ node }) => node);
      return found.sort().join() === [...ids].sort().join();
    });
  }

  logText(id: string): string {
    return readFileSync(join(this.nodes.directory, `${id}.log`), 'utf8');
  }

  stop(): Promise<void> {
    return this.nodes.stop();
  }
}
