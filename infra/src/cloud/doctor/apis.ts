import { apis, firstApis } from '../../plan/apis.ts';
import { type Finding, missing, ok, unknown } from './finding.ts';

const full = (names: readonly string[]): readonly string[] => names.map((name) => `${name}.googleapis.com`);

/** All that are asked for. */
export const neededApis = full([...firstApis, ...apis]);

/** What `up` cannot enable itself is missing; of the others it is said that it will. Pure. */
export function judgeApis(project: string, enabled: readonly string[] | null): Finding {
  const enable = (names: readonly string[]): string => `gcloud services enable ${names.join(' ')} --project=${project}`;
  if (enabled === null) return unknown('APIs', 'which are enabled is not to be seen', enable(full(firstApis)));
  const on = new Set(enabled);
  const first = full(firstApis).filter((name) => !on.has(name));
  if (first.length > 0) return missing('APIs', `without ${first.join(', ')} no other can be enabled`, enable(first));
  const later = full(apis).filter((name) => !on.has(name));
  if (later.length === 0) return ok('APIs', `all ${neededApis.length} are enabled`);
  return ok('APIs', `scripts/cloud up will enable ${later.join(', ')}`);
}
