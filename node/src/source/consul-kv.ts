import { createHash } from 'node:crypto';
import { type ConsulAddress, shown } from '../consul/http.ts';
import { type KvEntry, readKey } from '../consul/kv.ts';
import { watchConsul } from '../consul/watch.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { PlanSource, SourcedPlan } from './source.ts';

/** A Consul that is there answers within milliseconds; past this the attempt is over, and is repeated. */
const fetchTimeoutMs = 5_000;

export interface ConsulKvOptions {
  readonly consul: ConsulAddress;
  readonly key: string;
  /** CONSUL_CONFIG_WATCH. */
  readonly isWatched: boolean;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * The plan under a key of Consul's KV. What is the same submission, Consul decides by the key's ModifyIndex: it changes when the
 * content does, or the key was deleted and put again. The digest tells apart what two Consuls had at the same index.
 */
export function consulKvSource({ consul, key, isWatched, clock, random }: ConsulKvOptions): PlanSource {
  const planOf = (entry: KvEntry | null): SourcedPlan => {
    if (entry === null) {
      const remedy = `consul kv put ${key} @config.yaml`;
      throw new TuttiError(
        'SOURCE_FAILED',
        `Consul at ${shown(consul.url)} has no key ${key}; put a plan there: ${remedy}`,
      );
    }
    return { text: entry.text, submissionId: submissionIdOf(key, entry) };
  };
  return {
    kind: 'consul-kv',
    sharedBy: 'cluster',
    name: `consul-kv:${key}`,
    fetch: async (signal) => planOf((await readKey(consul, key, { timeoutMs: fetchTimeoutMs, signal })).value),
    watch: !isWatched
      ? null
      : (since, { onPlan, onFailure }) =>
          watchConsul<KvEntry | null>({
            ask: (asked) => readKey(consul, key, asked),
            fromIndex: indexIn(since, key),
            onValue(entry) {
              try {
                onPlan(planOf(entry));
              } catch (error) {
                onFailure(TuttiError.from(error));
              }
            },
            onFailure,
            clock,
            random,
          }),
  };
}

function submissionIdOf(key: string, { modifyIndex, text }: KvEntry): string {
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `consul-kv:${key}@${modifyIndex}:${digest}`;
}

/** Of a submission that came from this key, so that a new leader waits for what comes after it, and reads nothing twice. */
function indexIn(submissionId: string | null, key: string): number {
  const prefix = `consul-kv:${key}@`;
  if (submissionId === null || !submissionId.startsWith(prefix)) return 0;
  return Number(/^\d+/.exec(submissionId.slice(prefix.length))?.[0] ?? 0);
}
