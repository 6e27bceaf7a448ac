import { regionOf } from './regions.ts';

/** All subnets, for a host's own packet filter. */
export const CLUSTER_RANGE = '10.64.0.0/10';
/** The range in which Identity-Aware Proxy's tunnels start (cloud.google.com/iap/docs/using-tcp-forwarding). */
export const IAP_RANGE = '35.235.240.0/20';
/** Google keeps the first two and the last two addresses of a subnet; the rest below is left for what somebody adds by hand. */
const FIRST_HOST = 9;

/** 10.64.0.0/10 has room for so many regions. */
export const REGION_SLOTS = 64;

/**
 * The subnet of a region, a /20. It depends on the region alone, so it neither overlaps another nor moves when the list of
 * regions changes.
 */
export function subnetOf(region: string): string {
  return `10.${64 + slotOf(region)}.0.0/20`;
}

/** The internal address of the nth node (from 1) of a region. */
export function addressOf(region: string, ordinal: number): string {
  return `10.${64 + slotOf(region)}.0.${FIRST_HOST + ordinal}`;
}

function slotOf(region: string): number {
  const { slot } = regionOf(region);
  if (slot >= REGION_SLOTS) throw new Error(`no address range is left for ${region}`);
  return slot;
}
