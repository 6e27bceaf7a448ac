import { type Region, regionOf } from './regions.ts';

const EARTH_RADIUS_KM = 6371;
/**
 * Milliseconds of round trip for each kilometre of the great circle. Light in glass takes 0.01; cables are longer than the
 * circle, at the worst of the pairs in ../../../docs/google-cloud.md (Belgium to Tokyo) two and a half times.
 */
const MS_PER_KM = 0.025;
/** Between zones of one region. */
const LOCAL_MS = 2;

/** The round trip between two regions in milliseconds, rather too long than too short. Estimated from the distance. */
export function estimateRoundTripMs(from: string, to: string): number {
  return LOCAL_MS + Math.round(distanceKm(regionOf(from), regionOf(to)) * MS_PER_KM);
}

export interface Timings {
  /** The longest round trip between two of the regions, in milliseconds. */
  readonly longestRoundTripMs: number;
  /** What `CLUSTER_TIMINGS=auto` makes of it: the shortest election timeout, in milliseconds. */
  readonly electionTimeoutMs: number;
  /** The regions from which a majority of nodes is nearest, so that a leader there commits soonest. */
  readonly central: readonly string[];
}

/**
 * What the distances between the regions mean for the cluster. `regions` holds the region of each voter. The nodes are set
 * to `auto`, which measures (ADR 49): the same for every list of regions, so one more region changes no timing of a node
 * that is not restarted (ADR 111). `auto` gives an election ten of the steps 5, 10, 20, ... 640 ms that hold the round trip.
 */
export function estimateTimings(regions: readonly string[]): Timings {
  const names = [...new Set(regions)];
  const longestRoundTripMs = Math.max(...names.flatMap((a) => names.map((b) => estimateRoundTripMs(a, b))));
  let stepMs = 5;
  while (stepMs < longestRoundTripMs && stepMs < 640) stepMs *= 2;
  const waits = names.map((name) => quorumRoundTripMs(name, regions));
  const best = Math.min(...waits);
  return {
    longestRoundTripMs,
    electionTimeoutMs: Math.max(150, stepMs * 10),
    central: names.filter((_, index) => waits[index] === best),
  };
}

/** Until the nearest majority has answered a leader in that region. */
function quorumRoundTripMs(leader: string, regions: readonly string[]): number {
  const sorted = regions.map((region) => estimateRoundTripMs(leader, region)).sort((a, b) => a - b);
  return sorted[Math.floor(regions.length / 2)] ?? 0;
}

/** Haversine: the shortest way over the globe. */
function distanceKm(from: Region, to: Region): number {
  const rad = Math.PI / 180;
  const half = (a: number, b: number): number => Math.sin(((b - a) * rad) / 2) ** 2;
  const chord =
    half(from.latitude, to.latitude) +
    Math.cos(from.latitude * rad) * Math.cos(to.latitude * rad) * half(from.longitude, to.longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}
