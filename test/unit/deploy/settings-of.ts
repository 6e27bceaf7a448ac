import { checkDoors } from '../../../node/src/node/doors.ts';
import { checkNodeSettings, readSettings } from '../../../node/src/settings/read.ts';
import { settings } from '../../../node/src/settings/schema.ts';

type Environment = Readonly<Record<string, string>>;

/** What a node would say of this environment before it opens anything; empty: it would start. */
export function problemsOf(environment: Environment): readonly string[] {
  const known = new Set<string>(Object.values(settings).map(({ env }) => env));
  // A node lets variables pass that do not begin with CLUSTER_: they may be another program's. In our files they are typing errors.
  const unknown = Object.keys(environment)
    .filter((name) => !known.has(name))
    .map((name) => `${name}: unknown variable`);
  try {
    const read = readSettings(environment);
    checkNodeSettings(read, environment);
    checkDoors(read);
    return unknown;
  } catch (error) {
    return [...unknown, ...(error as Error).message.split('\n')];
  }
}
