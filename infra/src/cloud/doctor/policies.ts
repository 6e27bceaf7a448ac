import type { OrganizationPolicy } from '../google/project.ts';
import { type Finding, missing, ok, unknown } from './finding.ts';

type Rules = OrganizationPolicy['rules'];

const values = (rules: Rules): readonly string[] => rules.flatMap((rule) => rule.values?.allowedValues ?? []);
const isEnforced = (rules: Rules): boolean => rules.some(({ enforce }) => enforce === true);
const isDenied = (rules: Rules): boolean => rules.some(({ denyAll }) => denyAll === true);
const isLimited = (rules: Rules): boolean => isDenied(rules) || values(rules).length > 0;

/**
 * Constraints of an organization that a stack would break on, and when they do (cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints).
 * Those that it keeps anyway (uniform access, no public bucket, Shielded VM, OS Login, no default network, no keys of accounts) are not asked for.
 */
const constraints: readonly (readonly [name: string, breaks: (rules: Rules) => boolean | 'perhaps', why: string])[] = [
  ['compute.vmExternalIpAccess', isLimited, 'the load goes out by an external address of each machine'],
  [
    'compute.trustedImageProjects',
    (rules) =>
      isDenied(rules) ||
      (values(rules).length > 0 && !values(rules).some((value) => value.endsWith('projects/cos-cloud'))),
    'the machines run Container-Optimized OS, of projects/cos-cloud',
  ],
  ['iam.disableServiceAccountCreation', isEnforced, 'each node has a service account of its own'],
  [
    'gcp.resourceLocations',
    (rules) => (isDenied(rules) ? true : values(rules).length > 0 ? 'perhaps' : false),
    'the regions of the stack and the location of its buckets must be among those allowed',
  ],
];

export const constraintNames = constraints.map(([name]) => name);

/** `policies` by the name of the constraint; null where it could not be asked for. Pure. */
export function judgePolicies(
  project: string,
  policies: ReadonlyMap<string, OrganizationPolicy | null>,
): readonly Finding[] {
  const what = 'organization policies';
  const seen = [...policies].filter(([, policy]) => policy !== null);
  if (seen.length === 0)
    return [
      unknown(
        what,
        'not to be seen; a project without an organization has none',
        `gcloud services enable orgpolicy.googleapis.com --project=${project}`,
      ),
    ];
  const found = constraints.flatMap(([name, breaks, why]): readonly Finding[] => {
    const rules = policies.get(name)?.rules ?? [];
    const answer = breaks(rules);
    if (answer === false) return [];
    const detail = `${name}: ${why}`;
    if (answer === 'perhaps')
      return [
        unknown(
          what,
          `${detail}: ${values(rules).join(', ')}`,
          `gcloud org-policies describe ${name} --effective --project=${project}`,
        ),
      ];
    return [missing(what, detail, `gcloud org-policies reset ${name} --project=${project}`)];
  });
  return found.length > 0 ? found : [ok(what, 'none that is in the way')];
}
