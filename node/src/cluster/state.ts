import type { StripeTable } from '../generator/schedule/types.ts';
import type { Plan } from '../plan/plan.ts';
import type { Books, Measurements } from '../results/measurements.ts';

/** One agent: a node, for as long as its process lives. A restarted process is another agent on the same node (ADR 0002). */
export interface AgentRef {
  readonly node: string;
  readonly session: string;
  readonly region: string;
}

/**
 * The name of an agent in stripe tables: node and session, so that a node that restarts in mid-run is never taken for the
 * owner of what its earlier process left undone (ADR 0002). Use it wherever a table is asked for an agent's arrivals.
 */
export const slotOf = (agent: Pick<AgentRef, 'node' | 'session'>): string => `${agent.node}/${agent.session}`;

/** What was submitted under an id: the same plan again is that run, another plan is refused. */
export interface Submission {
  readonly submissionId: string;
  readonly planHash: string;
  readonly runId: string;
}

/** What became of the last plan that a source gave; for good, unlike a submission's id, which is forgotten in time. */
export interface SourceDecision {
  /** Which source of which node; or the kind of the one that all share. */
  readonly source: string;
  readonly submissionId: string;
  readonly planHash: string;
  /** The run it is; null: it was refused. */
  readonly runId: string | null;
  /** Why it was refused; null: it was not. */
  readonly refusal: string | null;
}

export interface SourceProblem {
  readonly source: string;
  readonly reason: string;
  /** There is one, which waits for the run that is on to end: a new leader reads it and waits on. */
  readonly isWaiting: boolean;
}

/** The replicated value. Changed only by `apply` (cluster/reducer.ts), with committed commands. */
export interface ClusterState {
  /** The run that is on, or the last one. */
  readonly run: Run | null;
  /** Submission id -> run id, the newest 100: the same id twice is one run. */
  readonly submissions: readonly Submission[];
  /** One for each source: no plan of theirs begins for want of memory, or because what was in its way has ended (ADR 83). */
  readonly sources: readonly SourceDecision[];
  /** Why there is no plan to run from the source that all nodes share, as the leader met it last; null: nothing is amiss. */
  readonly sourceProblem: SourceProblem | null;
}

export interface Run {
  readonly id: string;
  readonly submissionId: string;
  readonly planText: string;
  /** SHA-256 of the text, hexadecimal. */
  readonly planHash: string;
  /** What the leader that took planText understood by it. */
  readonly plan: Plan;
  /** Labels only; nothing is computed from them. */
  readonly submittedAtUnixMs: number;
  readonly startedAtUnixMs: number | null;
  readonly phase: RunPhase;
  /** Agents that must acknowledge before the start. */
  readonly expected: readonly AgentRef[];
  /** Listed members that were not there when the run was submitted, or not any more before it started. By id or address. */
  readonly missing: readonly string[];
  /** Attempts at preparing, from 1. */
  readonly attempt: number;
  readonly acknowledgements: readonly Acknowledgement[];
  readonly tables: readonly StripeTable[];
  /** Why each table after the first was made. */
  readonly changes: readonly { readonly fromMs: number; readonly reason: string }[];
  readonly horizonMs: number;
  /** Run time at which the leader moved it there; 0: with the start. */
  readonly horizonMovedAtMs: number;
  /** In the order in which they happened. */
  readonly standstills: readonly Standstill[];
  readonly agents: readonly AgentProgress[];
  /** Merged over nodes, by region. */
  readonly regions: readonly { readonly region: string; readonly measurements: Measurements }[];
  /** Iterations started / ended in each run second, merged over nodes; the picture of the run. */
  readonly firedPerSecond: readonly number[];
  readonly endedPerSecond: readonly number[];
}

export type RunPhase =
  | { readonly name: 'preparing' }
  | { readonly name: 'ready' }
  | { readonly name: 'scheduled'; readonly start: StartInstant }
  | { readonly name: 'running'; readonly start: StartInstant }
  | { readonly name: 'draining'; readonly start: StartInstant; readonly stop: DrainOrder }
  | {
      readonly name: 'finished';
      readonly start: StartInstant;
      readonly stop: DrainOrder;
      readonly lostSpans: readonly LostSpan[];
    }
  | {
      readonly name: 'aborted';
      readonly reason: string;
      /** Run time up to which load was planned; 0: it never began. */
      readonly endMs: number;
      readonly lostSpans: readonly LostSpan[];
    };

/** The run had come to its horizon, and there was no leader with a majority to move it: nothing could be started. Run times. */
export interface Standstill {
  /** When a leader moved the horizon for the last time before. */
  readonly agreedMs: number;
  /** The horizon as it stood. */
  readonly fromMs: number;
  /** When a leader moved it again, or the end of the plan where that came first. */
  readonly toMs: number;
}

/** An instant crosses the wire only like this: on the monotonic clock of that leader in that term. */
export interface StartInstant {
  readonly leader: string;
  readonly term: number;
  readonly leaderMs: number;
}

export interface DrainOrder {
  readonly reason: 'completed' | 'stopped';
  /** No iteration starts at or after this run time. */
  readonly atMs: number;
  /** Iterations still in flight then are given up as unanswered. */
  readonly deadlineMs: number;
}

export interface Acknowledgement {
  readonly agent: AgentRef;
  readonly attempt: number;
  readonly outcome:
    | { readonly ok: true; readonly generators: number }
    | { readonly ok: false; readonly step: string; readonly message: string };
}

/** How far an agent's intervals are in: the watermark by which it may drop its own copies. */
export interface AgentProgress {
  readonly agent: AgentRef;
  /** Number of the last interval counted; intervals are counted without gaps. -1: none yet. */
  readonly lastInterval: number;
  /** How many were counted: an agent that joined late begins with a higher number than 0. */
  readonly intervals: number;
  readonly final: boolean;
  readonly books: Readonly<Books>;
  readonly inFlight: number;
  /** As the agent reported it with its first interval. */
  readonly start: StartQuality | null;
}

/** How well an agent hit the common start. */
export interface StartQuality {
  /** Half the round trip of the clock exchange it converted the start with: the bound of its error. */
  readonly clockErrorMs: number;
  /** How long after the planned instant the loop of its last generator passed it, as the generators measured. */
  readonly startedLateMs: number;
}

/** Measurements of an agent that never arrived: from the interval after its watermark to the end of its stripe. */
export interface LostSpan {
  readonly agent: AgentRef;
  readonly fromMs: number;
  readonly toMs: number;
  /**
   * Arrivals of its stripe up to the end that no counted interval accounts for: owned (by the tables, from 0 to `toMs`)
   * minus fired, dropped, notFired and lost of its books. So the books balance whatever the agent knew when it was last
   * heard (an agent accounts for an arrival only once its own horizon has passed it). Null for closed load models.
   */
  readonly arrivals: number | null;
}
