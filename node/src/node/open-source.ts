import type { CommandResult } from '../cluster/commands.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { NodeRuntime } from '../runtime/node-runtime.ts';
import type { ReplicatedState } from '../runtime/replicated-state.ts';
import type { Settings } from '../settings/schema.ts';
import { consulKvSource } from '../source/consul-kv.ts';
import { fileSource } from '../source/file.ts';
import { gcsSource } from '../source/gcs.ts';
import type { PlanSource, SourcedPlan } from '../source/source.ts';
import { consulAddress } from './consul-address.ts';
import { readPlan, submitFromFile } from './file-plan.ts';
import type { PlanDelivery } from './plan-delivery.ts';
import { objectAddress } from './gcs-access.ts';
import { newRunId } from './run-id.ts';
import { createSharedPlan } from './shared-plan.ts';

const defaultKey = 'loadtest/config';

/** A source, and what a node has read of its own at its start. */
export type OpenedSource =
  | { readonly source: PlanSource; readonly sharedBy: 'cluster' }
  | { readonly source: PlanSource; readonly sharedBy: 'node'; readonly plan: SourcedPlan };

/** Null: plans come by the API alone. Rejects with SETTINGS_INVALID, or PLAN_INVALID where this node has a plan of its own. */
export async function openSource(settings: Settings): Promise<OpenedSource | null> {
  const source = await sourceOf(settings);
  if (source === null) return null;
  if (source.sharedBy === 'cluster') return { source, sharedBy: 'cluster' };
  return { source, sharedBy: 'node', plan: await readPlan(source) };
}

async function sourceOf(settings: Settings): Promise<PlanSource | null> {
  switch (settings.configSource) {
    case null:
    case 'api':
      return null;
    case 'file':
      return settings.configFile === null ? null : fileSource(settings.configFile);
    case 'consul-kv':
      return consulKvSource({
        consul: consulAddress(settings),
        key: settings.consulConfigKey ?? defaultKey,
        isWatched: settings.consulConfigWatch,
        clock: systemClock,
        random: Math.random,
      });
    case 'gcs':
      return gcsSource({
        address: await objectAddress(settings),
        pollMs: settings.gcsPollSecs === null ? null : settings.gcsPollSecs * 1000,
        clock: systemClock,
        random: Math.random,
      });
  }
}

/** Brings the plans of the source to the cluster, from now on. */
export function deliverPlans(
  opened: OpenedSource,
  settings: Settings,
  hooks: { readonly log: Log; readonly onFatal: (error: unknown) => void },
  of: {
    readonly consensus: Consensus<CommandResult>;
    readonly runtime: NodeRuntime;
    readonly replicated: ReplicatedState;
  },
): PlanDelivery {
  const { consensus, replicated, runtime } = of;
  const state = (): ReturnType<ReplicatedState['state']> => replicated.state();
  const patienceMs = settings.configTimeoutSecs * 1000;
  const common = { source: opened.source, consensus, state, clock: systemClock, log: hooks.log };
  if (opened.sharedBy === 'node') {
    return submitFromFile({ ...common, plan: opened.plan, runs: runtime.runs, waitForMembersMs: patienceMs });
  }
  return createSharedPlan({
    ...common,
    runtime,
    newRunId,
    random: Math.random,
    patienceMs,
    onReload: settings.onReload ?? 'refuse',
    onConfigError: settings.onConfigError === 'exit' ? hooks.onFatal : null,
  });
}
