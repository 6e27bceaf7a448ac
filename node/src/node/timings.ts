import { TuttiError } from '../lib/errors.ts';
import { customTimings, timingsProblem } from '../raft/timings.ts';
import { timingProfiles } from '../raft/types.ts';
import type { Timings } from '../raft/types.ts';
import type { Settings } from '../settings/schema.ts';

/** What CLUSTER_TIMINGS and its two companions come to. Throws SETTINGS_INVALID where no leader could stay with them. */
export function timingsOf({ timings, heartbeatMs, electionTimeoutMs }: Settings): Timings | 'auto' {
  if (timings === 'auto') return 'auto';
  if (timings !== 'custom') return timingProfiles[timings];
  // `custom` without both was refused when the settings were read.
  const custom = customTimings(heartbeatMs ?? 0, electionTimeoutMs ?? 0);
  const problem = timingsProblem(custom);
  if (problem === null) return custom;
  throw new TuttiError('SETTINGS_INVALID', `CLUSTER_HEARTBEAT_MS, CLUSTER_ELECTION_TIMEOUT_MS: ${problem}`);
}
