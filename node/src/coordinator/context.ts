import type { CommandBody, CommandResult } from '../cluster/commands.ts';
import { currentTerms } from '../cluster/load-change.ts';
import { slotOf, type AgentRef, type ClusterState, type Run } from '../cluster/state.ts';
import { boundOf } from '../generator/schedule/course.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Presence } from './presence.ts';

/** What the controllers of one term of office work with. */
export interface LeaderContext {
  readonly self: AgentRef;
  readonly term: number;
  readonly state: () => ClusterState;
  readonly presence: Pick<Presence, 'upForMs' | 'downForMs'>;
  /** The connected agents of members, oneself included: who is asked to take part in a new run. */
  readonly members: () => readonly AgentRef[];
  /** Who of the list is missing, once nobody is or this leader has waited for them long enough. */
  readonly untilComplete: () => Promise<readonly string[]>;
  /** Carries this leader's term; rejects when the office is lost. */
  readonly propose: (body: CommandBody) => Promise<CommandResult>;
  /**
   * One at a time: whatever schedules the start, moves the horizon, the stripes or the end reads the state and proposes without another such
   * proposal between, since each takes effect at the horizon as it stood.
   */
  readonly exclusively: <Result>(step: () => Promise<Result>) => Promise<Result>;
  /** Null while this node has no mapping of the run. */
  readonly runMs: (runId: string) => number | null;
  /** Of the slowest connected member. */
  readonly slowestRoundTripMs: () => number;
  readonly clock: Clock;
  /** Labels only. */
  readonly unixMs: () => number;
  readonly log: Log;
  readonly configTimeoutMs: number;
  readonly horizonLengthMs: number;
}

/** Looks at the run that is on and does at most the next thing about it. */
export interface Controller {
  reconcile(run: Run): Promise<void>;
}

/** How many agents may share the load as it is now: each must get at least one iteration in flight, or one user. */
export function maxSlots(run: Run): number {
  return boundOf(currentTerms(run));
}

/** The agent behind a slot of a table, from who acknowledged. */
export function agentOf(run: Run, slot: string): AgentRef | undefined {
  return [...run.acknowledgements.map((each) => each.agent), ...run.expected].find((agent) => slotOf(agent) === slot);
}

/** Agents that said they are ready, in the order of their names. */
export function readySlots(run: Run): readonly string[] {
  return run.acknowledgements
    .filter((each) => each.outcome.ok)
    .map((each) => slotOf(each.agent))
    .sort();
}

export const currentSlots = (run: Run): readonly string[] => run.tables.at(-1)?.slots ?? [];
