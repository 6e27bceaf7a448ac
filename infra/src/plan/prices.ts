/**
 * What machines cost in US dollars an hour, on demand in a US region. Order of magnitude, from memory of Google's lists: for an
 * estimate, never for a bill. The names are also the machine types that a stack may use.
 */
export const machineUsdPerHour = {
  'e2-small': 0.017,
  'e2-medium': 0.034,
  'e2-standard-2': 0.067,
  'e2-standard-4': 0.134,
  'e2-standard-8': 0.268,
  'n2-standard-2': 0.097,
  'n2-standard-4': 0.194,
  'n2-standard-8': 0.388,
  'c3-standard-4': 0.209,
  'c3-standard-8': 0.418,
} as const;

export type MachineType = keyof typeof machineUsdPerHour;
export const machineTypes = Object.keys(machineUsdPerHour) as [MachineType, ...MachineType[]];

/** A balanced persistent disk, for each GiB and hour. */
export const DISK_USD_PER_GIB_HOUR = 0.1 / 730;
/** An external IPv4 address that a machine uses. */
export const ADDRESS_USD_PER_HOUR = 0.005;
/** From a machine to the internet, first tiers, worst of the usual destinations. */
export const EGRESS_USD_PER_GB = 0.12;
