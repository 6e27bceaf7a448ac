import type { AgentRef, ClusterState } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Plan } from '../plan/plan.ts';
import type { CreateGenerators } from './generators.ts';

/** What an agent needs of the consensus: to talk to members and to know who leads. It never proposes. */
export type AgentConsensus = Pick<
  Consensus<unknown>,
  'status' | 'request' | 'handle' | 'clockOffset' | 'peers' | 'subscribe'
>;

/** All effects of an agent, passed in. */
export interface AgentContext {
  readonly consensus: AgentConsensus;
  readonly self: AgentRef;
  /** The replicated state as applied on this node. */
  readonly state: () => ClusterState;
  readonly createGenerators: CreateGenerators;
  /** Has this process do once what each second of the plan's run will ask of it. */
  readonly warmUp: (plan: Plan) => Promise<unknown>;
  /** Deadline of one attempt at preparing. */
  readonly prepareTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps what the cluster never took, and says where (a path, for the log). */
  readonly writeUnsent: (runId: string, text: string) => Promise<string>;
  /** This process led in that term: an instant it named then is on our own clock, whoever leads by now. */
  readonly hasLed: (term: number) => boolean;
  /** Asks for a look at the state soon. */
  readonly poke: () => void;
}

/** The leader as this node knows it, or null. */
export function leaderOf(context: Pick<AgentContext, 'consensus'>): string | null {
  return context.consensus.status().leaderId;
}
