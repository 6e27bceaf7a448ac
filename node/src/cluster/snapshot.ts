import { invariant } from '../lib/invariant.ts';
import { decodeMeasurements, encodeMeasurements } from '../results/encoding.ts';
import type { EncodedMeasurements } from '../results/measurements.ts';
import type { ClusterState, Run } from './state.ts';

/** Changes whenever a snapshot of the version before could be misread. */
const snapshotVersion = 5;

type EncodedRun = Omit<Run, 'regions'> & {
  readonly regions: readonly { readonly region: string; readonly measurements: EncodedMeasurements }[];
};

interface Snapshot {
  readonly version: number;
  readonly submissions: ClusterState['submissions'];
  readonly sources: ClusterState['sources'];
  readonly sourceProblem: ClusterState['sourceProblem'];
  readonly run: EncodedRun | null;
}

/** The whole state as JSON in UTF-8 with its keys in order: equal states give equal bytes. */
export function encodeSnapshot(state: ClusterState): Uint8Array {
  const snapshot: Snapshot = {
    version: snapshotVersion,
    submissions: state.submissions,
    sources: state.sources,
    sourceProblem: state.sourceProblem,
    run: state.run === null ? null : encodeRun(state.run),
  };
  return new TextEncoder().encode(JSON.stringify(snapshot, inKeyOrder));
}

function encodeRun(run: Run): EncodedRun {
  const regions = run.regions.map(({ region, measurements }) => ({
    region,
    measurements: encodeMeasurements(measurements),
  }));
  return { ...run, regions };
}

/** Objects are built in the order in which commands gave their fields; the bytes must not depend on that. */
function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The inverse. A snapshot was written by this program and its bytes are guarded where they lie: other content is a bug. */
export function decodeSnapshot(bytes: Uint8Array): ClusterState {
  const snapshot = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Snapshot;
  invariant(
    snapshot.version === snapshotVersion,
    `a snapshot of version ${snapshot.version} cannot be read by version ${snapshotVersion}`,
  );
  const { submissions, sources, sourceProblem, run } = snapshot;
  if (run === null) return { run, submissions, sources, sourceProblem };
  const regions = run.regions.map(({ region, measurements }) => ({
    region,
    measurements: decodeMeasurements(measurements),
  }));
  return { submissions, sources, sourceProblem, run: { ...run, regions } };
}
