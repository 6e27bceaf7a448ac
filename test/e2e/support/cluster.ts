import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterHealth } from '../../../node/src/api/health.ts';
import { ClusterClient } from '../../../node/src/cli/client.ts';
import type { RunProgress } from '../../../node/src/coordinator/service.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { Processes } from '../../../scripts/lib/processes.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { freePorts } from '../../support/ports.ts';

const formingTimeoutMs = 20_000;

export interface TestMember {
  readonly id: string;
  readonly raft: string;
  readonly api: string;
}

/** One line of a node's log; what else it holds depends on what it tells. */
export interface LogLine {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly node?: string;
  readonly term?: number;
  readonly run?: string;
  readonly peer?: string;
}

/** Real node processes on loopback, each with its own data directory, started as a user would. */
export class TestCluster {
  readonly directory = mkdtempSync(join(tmpdir(), 'tutti-e2e-'));
  readonly processes = new Processes(this.directory);
  readonly members: readonly TestMember[];
  readonly client: ClusterClient;

  private constructor(members: readonly TestMember[]) {
    this.members = members;
    this.client = new ClusterClient({
      nodes: members.map(({ api }) => `http://${api}`),
      token: null,
      patienceMs: 15_000,
    });
  }

  /** Started, with these flags on every node, and formed. */
  static async start(size: number, flags: Readonly<Record<string, string>> = {}): Promise<TestCluster> {
    const cluster = await TestCluster.prepare(size);
    try {
      for (const { id } of cluster.members) cluster.startNode(id, flags);
      await cluster.formed();
    } catch (error) {
      const lastWords = cluster.processes.lastWords();
      await cluster.stop();
      throw new Error(`${String(error)}\n${lastWords}`, { cause: error });
    }
    return cluster;
  }

  /** Names, addresses and a folder; nothing runs yet. `hosts` are where the Raft ports are, 127.0.0.1 unless given. */
  static async prepare(size: number, hosts: readonly string[] = []): Promise<TestCluster> {
    const ports = await freePorts(2 * size);
    const ids = Array.from({ length: size }, (_, index) => String.fromCharCode('a'.charCodeAt(0) + index));
    return new TestCluster(
      ids.map((id, index) => ({
        id,
        raft: `${hosts[index] ?? '127.0.0.1'}:${ports[2 * index]}`,
        api: `127.0.0.1:${ports[2 * index + 1]}`,
      })),
    );
  }

  /** A flag that is given as '' is left out. */
  startNode(id: string, flags: Readonly<Record<string, string>> = {}, environment: Record<string, string> = {}): void {
    const { raft, api } = this.member(id);
    const list = this.members.map((member) => `${member.id}=${member.raft}`).join(',');
    const own = {
      'node-id': id,
      nodes: list,
      'bind-addr': raft,
      'health-addr': api,
      'data-dir': join(this.directory, id),
    };
    const all = { ...own, 'config-source': 'api', generators: '1', 'log-format': 'json', ...flags };
    const given = Object.entries(all).filter(([, value]) => value !== '');
    const command = ['node/bin/tutti', 'node', ...given.flatMap(([flag, value]) => [`--${flag}`, value])];
    this.processes.start(id, command, environment);
  }

  formed(): Promise<ClusterHealth> {
    return waitFor(
      'the cluster to form',
      formingTimeoutMs,
      async () => {
        const health = await this.client.get<ClusterHealth>('/health/cluster');
        return health.cluster_formed && health.members.every((member) => member.connected) && health;
      },
      this.processes.firstDead,
    );
  }

  async leader(): Promise<string> {
    return waitFor(
      'a leader',
      formingTimeoutMs,
      async () => (await this.client.get<ClusterHealth>('/health/cluster')).leader_id ?? false,
    );
  }

  submit(planText: string, key: string): Promise<{ readonly run_id: string; readonly created: boolean }> {
    return this.client.post('/config', { 'content-type': 'application/yaml', 'idempotency-key': key }, planText);
  }

  /** Asks any node until the run is in the state, or has passed `elapsedMs` of it. */
  runReaches(state: string, timeoutMs: number, elapsedMs = 0): Promise<RunProgress> {
    return waitFor(
      `the run to be ${state}${elapsedMs > 0 ? ` for ${elapsedMs} ms` : ''}`,
      timeoutMs,
      async () => {
        const progress = await this.client.get<RunProgress>('/run');
        if (progress.state === 'aborted' && state !== 'aborted') throw new Error(`aborted: ${progress.reason ?? ''}`);
        return progress.state === state && progress.elapsedMs >= elapsedMs && progress;
      },
      this.processes.firstDead,
    );
  }

  /** The nodes that have a share of the arrivals now, their ids in order, joined. */
  async firing(): Promise<string> {
    const { nodes } = await this.client.get<RunProgress>('/run');
    const inStripes = nodes.filter((each) => each.inStripes);
    return inStripes
      .map(({ node }) => node)
      .sort()
      .join('');
  }

  report(): Promise<RunReport> {
    return this.client.get<RunReport>('/result');
  }

  /** What the node has logged so far, over all its starts; a last line that is not whole is left out. */
  log(id: string): readonly LogLine[] {
    const text = readFileSync(join(this.directory, `${id}.log`), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  }

  member(id: string): TestMember {
    const found = this.members.find((member) => member.id === id);
    if (found === undefined) throw new Error(`no member ${id}`);
    return found;
  }

  /** Ends every process; what it wrote is kept only when the test asks for it. */
  async stop(): Promise<void> {
    await this.processes.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
