import type { StackConfig } from '../../config/schema.ts';
import { BOOT_DISK_GIB } from '../../plan/cost.ts';
import type { Quota } from '../google/compute.ts';
import { type Finding, missing, ok, unknown } from './finding.ts';

export type Need = Readonly<Record<string, number>>;

/** Machine families that are counted apart (cloud.google.com/compute/resource-usage). */
const familyMetric: Readonly<Record<string, string>> = { e2: 'CPUS', n2: 'N2_CPUS', c3: 'C3_CPUS' };

/** What so many nodes in one region take of its quotas. Pure. */
export function needOf({ runtime }: Pick<StackConfig, 'runtime'>, nodes: number): Need {
  const { dataDiskGib, machineType } = runtime;
  const [family = '', , size] = machineType.split('-');
  const cpus = nodes * (size === undefined ? 2 : Number(size));
  return {
    [familyMetric[family] ?? 'CPUS']: cpus,
    INSTANCES: nodes,
    IN_USE_ADDRESSES: nodes,
    STATIC_ADDRESSES: nodes,
    // A balanced disk counts as one of SSD; the boot disk is a standard one.
    SSD_TOTAL_GB: nodes * dataDiskGib,
    DISKS_TOTAL_GB: nodes * BOOT_DISK_GIB,
  };
}

/** "CPUS" is "CPUS-per-project-region" to Cloud Quotas. */
function command(project: string, metric: string, region: string | null, value: number): string {
  const id = `${metric.replaceAll('_', '-')}-per-project${region === null ? '' : '-region'}`;
  const place = region === null ? '' : ` --dimensions=region=${region}`;
  return `gcloud beta quotas preferences create --project=${project} --service=compute.googleapis.com --quota-id=${id} --preferred-value=${value}${place}`;
}

/** Compares what is needed more than is there with what is left. `region` null: the project's own quotas. Pure. */
export function judgeQuotas(
  project: string,
  region: string | null,
  quotas: readonly Quota[] | null,
  need: Need,
): readonly Finding[] {
  const what = `quotas of ${region ?? 'the project'}`;
  if (quotas === null)
    return [
      unknown(what, 'not to be seen', `gcloud compute regions describe ${region ?? ''} --project=${project}`.trim()),
    ];
  const lacking = Object.entries(need).flatMap(([metric, count]) => {
    const quota = quotas.find((one) => one.metric === metric);
    if (quota === undefined || count <= quota.limit - quota.usage) return [];
    const { limit, usage } = quota;
    return [
      missing(
        what,
        `${metric}: ${count} more are needed, ${usage} of ${limit} are in use`,
        command(project, metric, region, usage + count),
      ),
    ];
  });
  return lacking.length > 0 ? lacking : [ok(what, 'room for what is needed')];
}
