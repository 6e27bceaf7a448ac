import {
  ADDRESS_USD_PER_HOUR,
  DISK_USD_PER_GIB_HOUR,
  EGRESS_USD_PER_GB,
  type MachineType,
  machineUsdPerHour,
} from './prices.ts';
import type { Egress } from './egress.ts';

/** The boot disk that a node gets, in GiB; Container-Optimized OS needs ten. */
export const BOOT_DISK_GIB = 10;

export interface CostInput {
  readonly nodes: number;
  readonly machineType: MachineType;
  readonly dataDiskGib: number;
  readonly maxRunHours: number;
}

/** US dollars, rounded to cents; order of magnitude (./prices.ts). */
export interface CostEstimate {
  readonly usdPerHour: number;
  /** Until every machine has been stopped by its own limit. */
  readonly usdUntilStopped: number;
  /** What stays once they are stopped, until `pulumi destroy`: disks and addresses. */
  readonly usdPerDayStopped: number;
  /** The load itself, if each node sends one Gbit/s to the internet. This line is the largest, and nothing limits it. */
  readonly egressUsdPerHourAtOneGbitPerNode: number;
  /** What the plan sends in all; GB to three places. Null: it fixes no rate. */
  readonly egressOfPlan: { readonly gb: number; readonly usd: number; readonly usdPerHour: number } | null;
}

/** What the cluster costs while it is there. Answers to requests (ingress) are free; buckets cost next to nothing. */
export function estimateCost(
  { nodes, machineType, dataDiskGib, maxRunHours }: CostInput,
  { gb, usd, usdPerHour }: Pick<Egress, 'gb' | 'usd' | 'usdPerHour'>,
): CostEstimate {
  const kept = nodes * ((BOOT_DISK_GIB + dataDiskGib) * DISK_USD_PER_GIB_HOUR + ADDRESS_USD_PER_HOUR);
  const perHour = nodes * machineUsdPerHour[machineType] + kept;
  const gbPerHour = 3600 / 8;
  return {
    usdPerHour: cents(perHour),
    usdUntilStopped: cents(perHour * maxRunHours),
    usdPerDayStopped: cents(kept * 24),
    egressUsdPerHourAtOneGbitPerNode: cents(nodes * gbPerHour * EGRESS_USD_PER_GB),
    egressOfPlan:
      gb === null || usd === null || usdPerHour === null
        ? null
        : { gb: Math.round(gb * 1000) / 1000, usd: cents(usd), usdPerHour: cents(usdPerHour) },
  };
}

function cents(usd: number): number {
  return Math.round(usd * 100) / 100;
}
