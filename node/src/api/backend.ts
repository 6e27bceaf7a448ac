import type { Consensus, ConsensusStatus } from '../consensus/consensus.ts';
import type { Reloaded, RunService } from '../coordinator/service.ts';

/** What the API shows and forwards to. */
export interface ApiBackend {
  readonly runs: RunService;
  readonly region: string;
  /** Reads the source of plans anew and submits what it holds. NO_SOURCE, SOURCE_FAILED, PLAN_INVALID, or as a submission. */
  reload(asker?: AbortSignal): Promise<Reloaded>;
  status(): ConsensusStatus;
  peers(): ReturnType<Consensus<unknown>['peers']>;
  /** As this node's own replica has it: the state of the run that is on or was last, and whether it is on and all agents have acknowledged it. */
  localRun(): { readonly runId: string; readonly state: string; readonly acknowledged: boolean } | null;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
