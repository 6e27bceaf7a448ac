import type { ConsensusEvent } from '../../node/src/consensus/events.ts';
import type { ObservedEvent } from '../../node/src/consensus/observers.ts';

/** An event as observers get it, of a member that a test stands in for. */
export const observed = (event: ConsensusEvent): ObservedEvent => ({ ...event, sequence: 1, names: [] });

/** What happened, without its number and names, to be compared with what a test expects. */
export function bare(event: ObservedEvent): ConsensusEvent {
  const { sequence, names, ...rest } = event;
  if (sequence < 1 || !Array.isArray(names)) throw new Error('an event without a number or names');
  return rest;
}
