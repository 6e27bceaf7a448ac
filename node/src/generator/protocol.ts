import type { Plan } from '../plan/plan.ts';
import type { EncodedCut } from '../results/measurements.ts';
import type { GeneratorShare, StripeTable } from './schedule/types.ts';

/**
 * Between an agent and a generator child process, over Node's IPC channel (structured clone). All run times are
 * milliseconds since the start of the run. The generator enforces the horizon itself and exits when the channel closes.
 */
export type ToGenerator =
  | { readonly kind: 'prepare'; readonly plan: Plan; readonly seed: number; readonly share: GeneratorShare }
  /**
   * The run starts at `startMs` of the machine's monotonic clock (lib/clock.ts). Sent again with another value to slew:
   * the generator moves to it gradually, never by a step.
   */
  | { readonly kind: 'start'; readonly startMs: number }
  /** Arrivals and iterations may start only at run times before it. Never goes back. */
  | { readonly kind: 'horizon'; readonly horizonMs: number }
  /** The whole list of tables, each time one is added; always sent before a horizon that lies beyond the newest one's start. */
  | { readonly kind: 'tables'; readonly tables: readonly StripeTable[] }
  /** No iteration starts at or after this run time (end of the plan, or a stop); those in flight go on until the deadline. */
  | { readonly kind: 'drain'; readonly atMs: number; readonly deadlineMs: number };

export type FromGenerator =
  /** `cold`: why it could not warm up, so that its first arrivals will be late; null: it is warm. */
  | { readonly kind: 'prepared'; readonly cold: string | null }
  | { readonly kind: 'prepareFailed'; readonly step: string; readonly message: string }
  /** Once, before the first cut: the run time at which its loop first passed the start, whether it was on time or joined late. */
  | { readonly kind: 'started'; readonly lateMs: number }
  /**
   * One per run second, in order, without gaps from the first; the last has `final`. Sent when the second is over and the
   * horizon lies at or beyond its end (docs/adr/0060); who joins late begins with the second its first table begins in.
   */
  | { readonly kind: 'cut'; readonly cut: EncodedCut }
  | { readonly kind: 'fault'; readonly message: string };
