import { describe } from '../../../../node/src/cli/progress.ts';
import type { Say } from '../say.ts';
import type { CloudStatus, NodeStatus } from './status.ts';

/** A status for a person. */
export function statusLines(status: CloudStatus, paint: Say['paint']): readonly string[] {
  const { cluster, nodes, plan, results, run, unknown } = status;
  const width = (of: (node: NodeStatus) => string): number => Math.max(...nodes.map((node) => of(node).length));
  const [ids, zones, states] = [width(({ id }) => id), width(({ zone }) => zone), width(({ machine }) => machine)];
  const row = (node: NodeStatus): string =>
    [
      `  ${node.id.padEnd(ids)}`,
      node.zone.padEnd(zones),
      paint(node.machine === 'RUNNING' ? 'green' : 'red', node.machine.padEnd(states)),
      [node.inCluster, node.reason, node.remark].filter((text) => text !== null).join('; '),
    ]
      .join('  ')
      .trimEnd();
  const standing = cluster === null ? '' : cluster.formed ? paint('green', 'formed') : paint('yellow', 'not formed');
  return [
    `stack    ${status.stack} in ${status.project}`,
    cluster === null
      ? `cluster  ${paint('yellow', 'not asked')}: ${unknown ?? ''}`
      : `cluster  ${standing}, leader ${cluster.leader ?? 'unknown'}, term ${cluster.term}, asked ${cluster.asked}`,
    ...nodes.map(row),
    ...(cluster?.problems ?? []).map((problem) => `  problem at ${problem}`),
    ...(cluster === null ? [] : [`run      ${run === null ? 'none yet' : `${run.runId}: ${describe(run)}`}`]),
    `plan     ${plan === null ? 'none; scripts/cloud upload PLAN' : `${plan.submission}, uploaded ${plan.updated}, ${plan.hasResult ? 'has its result' : 'no result yet'}`}`,
    `results  ${results.count} in ${results.bucket}${results.newest === null ? '' : `; the newest: ${results.newest.name}, ${results.newest.verdict}`}`,
  ];
}
