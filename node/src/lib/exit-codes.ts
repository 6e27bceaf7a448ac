/**
 * What a process of tutti ends with: the one table. k6's numbers where it has one,
 * so that a pipeline which knows k6 reads ours; 120 and above are ours.
 */
export const exitCodes = {
  ok: 0,
  unexpected: 1,
  thresholdsFailed: 99,
  invalidInput: 104,
  stopped: 105,
  generatorLimited: 120,
  nodesLost: 121,
  noCluster: 122,
  aborted: 123,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** In words, for `--help` and the documentation. */
export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'the run is valid: as planned, whatever the target answered',
  1: 'tutti could not do what was asked; the message says why',
  99: 'reserved for thresholds of a plan, which are not supported yet: nothing ends with it',
  104: 'the plan or a setting is wrong, or a port or folder it names cannot be used; no load was sent',
  105: 'the run was stopped from outside',
  120: 'the generators could not keep the schedule: the figures understate the load that was planned',
  121: 'measurements or arrivals are missing, most often because a node was lost',
  122: 'no cluster was reachable, or it had no leader in time',
  123: 'the run was aborted; the report says why',
  130: 'interrupted while waiting for a run of a cluster, which goes on',
};
