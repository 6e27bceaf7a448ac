import type { CommandResult } from '../cluster/commands.ts';
import { apply, decodeCommand, initialState } from '../cluster/reducer.ts';
import { decodeSnapshot, encodeSnapshot } from '../cluster/snapshot.ts';
import type { ClusterState } from '../cluster/state.ts';
import type { StateMachine } from '../consensus/consensus.ts';

/** The replicated value on this node: the reducer as the consensus' state machine. */
export interface ReplicatedState {
  readonly stateMachine: StateMachine<CommandResult>;
  state(): ClusterState;
}

export function createReplicatedState(): ReplicatedState {
  let state = initialState;
  return {
    stateMachine: {
      apply(command, at) {
        const applied = apply(state, decodeCommand(command, at.index), at);
        state = applied.state;
        return applied.result;
      },
      snapshot: () => encodeSnapshot(state),
      restore(snapshot) {
        state = decodeSnapshot(snapshot);
      },
    },
    state: () => state,
  };
}
