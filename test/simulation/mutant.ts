import type { Effects, RaftCore, RaftInput } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import type { FaultPlan } from './faults.ts';
import type { CreateCore } from './node.ts';

/**
 * Known bugs of other implementations, put around the core from outside: what the simulator does not find here it would not
 * find in the core either. `withinSeeds` states how many seeds it may take.
 */
export interface Mutant {
  readonly name: string;
  readonly withinSeeds: number;
  /** Where the hunt begins; later than 1 for bugs that need a rare shape, so that a test run need not wait for it. */
  readonly fromSeed: number;
  /** The invariant that catches it, or `liveness`. */
  readonly foundAs: string;
  readonly create: CreateCore;
  /** The faults under which it is hunted, where the swarm would take too long. */
  readonly focus?: Partial<FaultPlan>;
}

interface Around {
  readonly before?: (input: RaftInput) => RaftInput;
  readonly after?: (effects: Effects, core: RaftCore, input: RaftInput, nowMs: number) => Effects;
}

export function wrap(core: RaftCore, { before = (input) => input, after = (effects) => effects }: Around): RaftCore {
  return {
    step: (input, nowMs) => after(core.step(before(input), nowMs), core, input, nowMs),
    deadlineMs: () => core.deadlineMs(),
    status: () => core.status(),
    snapshotAt: (index) => core.snapshotAt(index),
  };
}

export function mapMessage(input: RaftInput, change: (message: Message) => Message): RaftInput {
  return input.kind === 'message' ? { ...input, message: change(input.message) } : input;
}
