import type { ClusterHealth } from '../../../node/src/api/health.ts';
import type { CloudContext } from '../../../infra/src/cloud/command.ts';
import type { Engine } from '../../../infra/src/cloud/engine/engine.ts';
import type { Compute, Machine } from '../../../infra/src/cloud/google/compute.ts';
import type { ProjectFacts } from '../../../infra/src/cloud/google/project.ts';
import type { Secrets } from '../../../infra/src/cloud/google/secrets.ts';
import type { Storage } from '../../../infra/src/cloud/google/storage.ts';
import { parseStackConfig } from '../../../infra/src/config/parse.ts';
import { stackOutputs } from './outputs.ts';

/** A context of which every part can be replaced, and what the command under test did and said. */
export interface FakeContext {
  readonly context: CloudContext;
  /** What was done to the world, in order. */
  readonly done: string[];
  readonly progress: string[];
  readonly results: { readonly value: object; readonly lines: readonly string[] }[];
}

export type Parts = Partial<Omit<CloudContext, 'engine' | 'compute' | 'storage' | 'secrets' | 'facts'>> & {
  readonly engine?: Partial<Engine>;
  readonly compute?: Partial<Compute>;
  readonly storage?: Storage;
  readonly secrets?: Secrets;
  readonly facts?: Partial<ProjectFacts>;
};

export const config = parseStackConfig({
  project: 'my-project',
  stack: 'dev',
  values: { regions: '["asia-east1","europe-west1","us-east1"]', plan: 'plan.yaml' },
});

/** Time passes only in pauses, and at once. */
export function fakeContext(parts: Parts = {}): FakeContext {
  const done: string[] = [];
  const progress: string[] = [];
  const results: { value: object; lines: readonly string[] }[] = [];
  let nowMs = 0;
  const { engine, compute, storage, secrets, facts, ...others } = parts;
  const unasked = (what: string) => (): never => {
    throw new Error(`${what} was not expected to be asked`);
  };
  const context: CloudContext = {
    engine: {
      stack: () => Promise.resolve('dev'),
      config: () => Promise.resolve(config),
      checkPlan: () => Promise.resolve(),
      outputs: () => Promise.resolve(stackOutputs),
      preview: () => Promise.resolve({ create: 2, same: 40 }),
      up: () => Promise.resolve((done.push('up'), {})),
      previewDestroy: () => Promise.resolve({ delete: 42 }),
      destroy: () => Promise.resolve((done.push('destroy'), {})),
      ...engine,
    },
    compute: {
      machines: () => Promise.resolve(stackOutputs.nodes.map(({ instance, zone }) => machine(instance, zone))),
      costly: () => Promise.resolve([]),
      lastOperation: () => Promise.resolve(null),
      stop: ({ instance }) => Promise.resolve(void done.push(`stop ${instance}`)),
      start: ({ instance }) => Promise.resolve(void done.push(`start ${instance}`)),
      serialPort: ({ instance }) => Promise.resolve(`boot of ${instance}\n`),
      quotas: () => Promise.resolve([]),
      ...compute,
    },
    storage: storage ?? new FakeStorage(),
    secrets: secrets ?? { hasVersion: unasked('Secret Manager'), addVersion: unasked('Secret Manager') },
    logging: { entries: unasked('Cloud Logging') },
    facts: {
      login: () => Promise.resolve(null),
      state: () => Promise.resolve('ACTIVE'),
      billingEnabled: () => Promise.resolve(true),
      enabled: (_project, services) => Promise.resolve(services),
      granted: (_project, permissions) => Promise.resolve(permissions),
      policy: () => Promise.resolve({ rules: [] }),
      ...facts,
    },
    reach: { whyNot: () => Promise.resolve(null), open: unasked('a node') },
    say: {
      json: false,
      progress: (line) => void progress.push(line),
      result: (value, lines) => void results.push({ value, lines: lines() }),
      paint: (_colour, text) => text,
    },
    nowMs: () => nowMs,
    pause: (ms) => Promise.resolve(void (nowMs += ms)),
    signal: new AbortController().signal,
    confirm: null,
    ...others,
  };
  return { context, done, progress, results };
}

export const machine = (name: string, zone: string, status = 'RUNNING'): Machine => ({
  name,
  id: `id-${name}`,
  zone,
  status,
  startedAt: '2026-11-22T00:00:00.000Z',
  stoppedAt: null,
  maxRunSecs: 86_400,
});

/** Buckets in memory, with generations from 1. */
export class FakeStorage implements Storage {
  readonly objects = new Map<string, { text: string; generation: string; updated: string }>();
  reads = 0;
  #generation = 0;

  put(bucket: string, object: string, text: string): string {
    const generation = String(++this.#generation);
    this.objects.set(`${bucket}/${object}`, { text, generation, updated: '2026-11-22T00:00:00Z' });
    return generation;
  }

  stat: Storage['stat'] = (bucket, object) => {
    const found = this.objects.get(`${bucket}/${object}`);
    return Promise.resolve(found === undefined ? null : { name: object, bytes: found.text.length, ...found });
  };

  list: Storage['list'] = (bucket) => {
    const names = [...this.objects.keys()].filter((key) => key.startsWith(`${bucket}/`)).sort();
    const found = names.map((key) => ({ name: key.slice(bucket.length + 1), bytes: 0, ...this.objects.get(key)! }));
    return Promise.resolve(found);
  };

  read: Storage['read'] = (bucket, object) => {
    this.reads += 1;
    return Promise.resolve(this.objects.get(`${bucket}/${object}`)!.text);
  };

  write: Storage['write'] = async (bucket, object, text) => {
    this.put(bucket, object, text);
    return (await this.stat(bucket, object))!;
  };
}

/** What a node says of a whole cluster of the three, unless told otherwise. */
export function healthOf(id: string, given: Partial<ClusterHealth> = {}): ClusterHealth {
  return {
    state: 'follower',
    node_id: id,
    region: 'r',
    leader_id: 'europe-west1-1',
    term: 3,
    peers: 3,
    cluster_formed: true,
    cluster_ready: false,
    cluster_id: 'c',
    commit_index: 10,
    applied_index: 10,
    members: stackOutputs.nodes.map((node) => ({
      id: node.id,
      address: null,
      connected: true,
      bound: true,
      role: 'voter' as const,
      reason: null,
    })),
    problems: [],
    ...given,
  };
}
