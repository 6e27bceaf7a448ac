import { createGeneratorPool } from '../agent/generator-pool.ts';
import type { ApiBackend } from '../api/backend.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { ClusterState } from '../cluster/state.ts';
import { isOver } from '../cluster/transitions.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { systemClock } from '../lib/clock.ts';
import { createNodeRuntime, type NodeRuntime } from '../runtime/node-runtime.ts';
import { createReplicatedState, type ReplicatedState } from '../runtime/replicated-state.ts';
import { warmUpIntervals } from '../runtime/warm-up.ts';
import { writeUnsentTo } from '../runtime/write-unsent.ts';
import { createBackend } from './backend.ts';
import type { Company, Frame } from './frame.ts';
import { handOver } from './hand-over.ts';
import { keepResults } from './keep-results.ts';
import { deliverPlans } from './open-source.ts';
import { openOwnConsensus } from './own-consensus.ts';
import { newRunId } from './run-id.ts';
import { watchUnreachable } from './unreachable.ts';
import { watchMajority } from './watch-majority.ts';

/** The consensus and all that stands on it. */
export async function openBehind(frame: Frame, company: Company): Promise<ApiBackend> {
  const { settings, hooks, source, writeResult, self, opened } = frame;
  const replicated = createReplicatedState();
  const consensus = await openOwnConsensus(frame, company, replicated);
  opened.push(() => consensus.close());
  hooks.identify(() => ({ node: self.node, term: consensus.status().term, run: runThatIsOn(replicated.state()) }));
  consensus.subscribe((event) => {
    if (event.kind === 'fatal' && !company.isExpected(event.error)) hooks.onFatal(event.error);
  });
  company.onConsensus(consensus);
  opened.push(watchUnreachable(() => consensus.peers(), company.origin, systemClock, hooks.log));
  opened.push(watchMajority(consensus, systemClock, hooks.log));
  const runtime = openRuntime(frame, consensus, replicated);
  opened.push(() => runtime.close());
  opened.push(() => handOver(consensus, hooks.log));
  if (writeResult !== null) {
    const state = (): ClusterState => replicated.state();
    const parts = { consensus, runtime, state, clock: systemClock, random: Math.random, log: hooks.log };
    opened.push(keepResults({ ...parts, write: writeResult }));
  }
  const delivery = source === null ? null : deliverPlans(source, settings, hooks, { consensus, runtime, replicated });
  opened.push(() => delivery?.close());
  return createBackend({
    consensus,
    runtime,
    state: () => replicated.state(),
    region: settings.region,
    delivery,
  });
}

function runThatIsOn({ run }: ClusterState): string | undefined {
  return run === null || isOver(run.phase) ? undefined : run.id;
}

function openRuntime(
  { settings, hooks, self }: Frame,
  consensus: Consensus<CommandResult>,
  replicated: ReplicatedState,
): NodeRuntime {
  return createNodeRuntime({
    consensus,
    state: () => replicated.state(),
    self,
    createGenerators: createGeneratorPool({ count: settings.generators, clock: systemClock, log: hooks.log }),
    warmUp: (plan) => warmUpIntervals(plan, systemClock),
    settings: {
      configTimeoutMs: settings.configTimeoutSecs * 1000,
      electionTimeoutMaxMs: () => consensus.status().timings.electionTimeoutMaxMs,
    },
    clock: systemClock,
    unixMs: Date.now,
    newRunId,
    writeUnsent: writeUnsentTo(settings.dataDirectory),
    log: hooks.log,
    onBug: hooks.onFatal,
  });
}
