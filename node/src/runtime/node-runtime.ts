import { createAgent } from '../agent/agent.ts';
import type { CreateGenerators } from '../agent/generators.ts';
import type { CommandResult } from '../cluster/commands.ts';
import type { AgentRef, ClusterState } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { Coordinator } from '../coordinator/coordinator.ts';
import type { LeaderContext } from '../coordinator/context.ts';
import { createLeaderCalls, type LeaderCalls } from '../coordinator/leader-calls.ts';
import { createRunService } from '../coordinator/run-service.ts';
import type { RunService } from '../coordinator/service.ts';
import { maxPrepareAttempts } from '../coordinator/timings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Plan } from '../plan/plan.ts';

/** An agent gives up a little before the leader does, so that the leader hears which step it was instead of nothing. */
const ownShareOfAttempt = 0.8;

/** Everything between the consensus and the API of one node. */
export interface NodeRuntime {
  readonly runs: RunService;
  /** What only the leader does, for whichever node is asked. */
  readonly calls: LeaderCalls;
  /** While this node leads. */
  leading(): LeaderContext | null;
  /** The run time as this node knows it; null while it has no part in that run. */
  runMs(runId: string): number | null;
  /** Hands the local part of a run over, then ends it and all generators. Close it before the consensus, while that still works. */
  close(): Promise<void>;
}

export interface NodeRuntimeOptions {
  /** Opened with the state machine of `createReplicatedState`. */
  readonly consensus: Consensus<CommandResult>;
  readonly state: () => ClusterState;
  /** The session must be the one the transport's handshake says. */
  readonly self: AgentRef;
  readonly createGenerators: CreateGenerators;
  /** See `warmUpIntervals`. */
  readonly warmUp: (plan: Plan) => Promise<unknown>;
  readonly settings: {
    /** CLUSTER_CONFIG_TIMEOUT_SECS: all attempts at preparing a run together. */
    readonly configTimeoutMs: number;
    /** Of the timings in force; asked when a leadership begins. */
    readonly electionTimeoutMaxMs: () => number;
  };
  readonly clock: Clock;
  /** Wall clock, for labels only. */
  readonly unixMs: () => number;
  readonly newRunId: () => string;
  /** Keeps the intervals a cluster without a quorum never took; resolves with the path (see `writeUnsentTo`). */
  readonly writeUnsent: (runId: string, text: string) => Promise<string>;
  readonly log: Log;
  /** A bug of ours: the process must end. */
  readonly onBug: (error: unknown) => void;
}

/** Wires agent, coordinator and run service of one node. */
export function createNodeRuntime(options: NodeRuntimeOptions): NodeRuntime {
  const {
    clock,
    consensus,
    createGenerators,
    log,
    newRunId,
    onBug,
    self,
    settings,
    state,
    unixMs,
    warmUp,
    writeUnsent,
  } = options;
  const agent = createAgent({
    consensus,
    self,
    state,
    createGenerators,
    warmUp,
    prepareTimeoutMs: (ownShareOfAttempt * settings.configTimeoutMs) / maxPrepareAttempts,
    clock,
    log,
    writeUnsent,
  });
  const runMs = (runId: string): number | null => agent.runMs(runId);
  const { configTimeoutMs, electionTimeoutMaxMs } = settings;
  const coordinator = new Coordinator({
    consensus,
    self,
    state,
    runMs,
    clock,
    unixMs,
    log,
    configTimeoutMs,
    electionTimeoutMaxMs,
    onBug,
  });
  const leading = (): LeaderContext | null => coordinator.leading;
  const calls = createLeaderCalls({ consensus, leading, clock });
  const runs = createRunService({ calls, runMs, newRunId });
  return {
    runs,
    calls,
    leading,
    runMs,
    close: async () => {
      await agent.end();
      coordinator.close();
      await agent.close();
    },
  };
}
