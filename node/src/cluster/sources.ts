import type { Applied, CommandOf } from './changes.ts';
import type { ClusterState } from './state.ts';

/** What the leader met at the source that all nodes share, for each of them to tell. A null reason: it is well again. */
export function noteSource(state: ClusterState, { source, reason, isWaiting }: CommandOf<'noteSource'>): Applied {
  const sourceProblem = reason === null ? null : { source, reason, isWaiting };
  return { state: { ...state, sourceProblem }, result: { ok: true, runId: '' } };
}

/** Why no plan of that source is run, as the replicated state has it; null: nothing is amiss. */
export function problemOfSource({ sourceProblem, sources }: ClusterState, source: string): string | null {
  if (sourceProblem?.source === source) return sourceProblem.reason;
  return sources.find((each) => each.source === source)?.refusal ?? null;
}
