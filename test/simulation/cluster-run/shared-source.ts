import type { ClusterState } from '../../../node/src/cluster/state.ts';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import type { PlanDelivery } from '../../../node/src/node/plan-delivery.ts';
import { createSharedPlan } from '../../../node/src/node/shared-plan.ts';
import type { PlanSource, SourceListener } from '../../../node/src/source/source.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/** What the tests put there, as Consul would number it; every read is counted. */
export class FakeSource {
  readonly reads: string[] = [];
  #text: string | null = null;
  #index = 0;
  #down = false;
  readonly #listeners = new Set<{ readonly listener: SourceListener; readonly node: string; knownIndex: number }>();

  put(text: string | null): void {
    this.#text = text;
    this.#index += 1;
    for (const each of this.#listeners) this.#tell(each);
  }

  fail(isDown: boolean): void {
    this.#down = isDown;
    for (const { listener } of this.#listeners) if (isDown) listener.onFailure(this.#failure());
    if (!isDown) for (const each of this.#listeners) this.#tell({ ...each, knownIndex: 0 });
  }

  at(node: string, isWatched: boolean): PlanSource {
    return {
      kind: 'consul-kv',
      sharedBy: 'cluster',
      name: 'consul-kv:k',
      fetch: () => {
        this.reads.push(node);
        if (this.#down) return Promise.reject(this.#failure());
        return this.#text === null ? Promise.reject(this.#missing()) : Promise.resolve(this.#plan(this.#text));
      },
      watch: isWatched
        ? (since, listener) => {
            const each = { listener, node, knownIndex: since === `k@${this.#index}` ? this.#index : -1 };
            this.#listeners.add(each);
            this.#tell(each);
            return () => void this.#listeners.delete(each);
          }
        : null,
    };
  }

  #tell(each: { readonly listener: SourceListener; readonly node: string; knownIndex: number }): void {
    if (each.knownIndex === this.#index || this.#down) return;
    each.knownIndex = this.#index;
    this.reads.push(each.node);
    if (this.#text === null) each.listener.onFailure(this.#missing());
    else each.listener.onPlan(this.#plan(this.#text));
  }

  #plan(text: string): { readonly text: string; readonly submissionId: string } {
    return { text, submissionId: `k@${this.#index}` };
  }

  #missing(): TuttiError {
    return new TuttiError('SOURCE_FAILED', 'there is no key k');
  }

  #failure(): TuttiError {
    return new TuttiError('CONSUL_FAILED', 'Consul is away');
  }
}

export interface Sourcing {
  readonly isWatched?: boolean;
  readonly onReload?: 'refuse' | 'next';
  readonly onConfigError?: (error: TuttiError) => void;
}

/** A simulated cluster whose nodes share a source. */
export class SourcedCluster {
  readonly sim: SimulatedCluster;
  readonly source = new FakeSource();
  readonly plans = new Map<string, PlanDelivery>();
  readonly #sourcing: Sourcing;

  constructor(sourcing: Sourcing = {}, size = 3) {
    this.sim = new SimulatedCluster(1, size);
    this.#sourcing = sourcing;
    for (const id of this.sim.nodes.keys()) this.open(id);
  }

  open(id: string): void {
    const { clock, consensus, log, runtime } = this.sim.nodes.get(id)!;
    const { random } = this.sim.world;
    this.plans.set(
      id,
      createSharedPlan({
        ...{ clock, consensus, log, runtime, patienceMs: 30_000 },
        source: this.source.at(id, this.#sourcing.isWatched ?? false),
        state: () => consensus.replicated.state(),
        newRunId: () => `run-${random.next()}`,
        random: () => random.next(),
        onReload: this.#sourcing.onReload ?? 'refuse',
        onConfigError: this.#sourcing.onConfigError ?? null,
      }),
    );
  }

  kill(id: string): void {
    this.plans.get(id)!.close();
    this.plans.delete(id);
    this.sim.kill(id);
  }

  state(id = 'n0'): ClusterState {
    return this.sim.nodes.get(id)!.consensus.replicated.state();
  }

  /** What each node that is up says of the source. */
  problems(): readonly (string | null)[] {
    return [...this.plans.values()].map((plan) => plan.problem()?.reason ?? null);
  }

  async reload(id: string): Promise<unknown> {
    const outcome: unknown[] = [];
    this.plans
      .get(id)!
      .reload()
      .then(
        (answer) => outcome.push(answer),
        (error: unknown) => outcome.push(error),
      );
    await this.sim.until(() => outcome.length > 0);
    return outcome[0];
  }
}
