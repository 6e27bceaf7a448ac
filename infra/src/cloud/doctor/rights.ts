import { type Finding, missing, ok, unknown } from './finding.ts';

/** The least a person needs to bring a stack up, look after it and take it away: a role, and permissions of it that tell whether it is there. */
export const operatorRoles: readonly (readonly [role: string, permissions: readonly string[], why: string])[] = [
  ['roles/serviceusage.serviceUsageAdmin', ['serviceusage.services.enable'], 'enables the APIs'],
  [
    'roles/compute.networkAdmin',
    ['compute.networks.create', 'compute.subnetworks.create', 'compute.addresses.create'],
    'network and addresses',
  ],
  ['roles/compute.securityAdmin', ['compute.firewalls.create'], 'the firewall'],
  [
    'roles/compute.instanceAdmin.v1',
    ['compute.instances.create', 'compute.instances.setMetadata', 'compute.disks.create'],
    'machines and disks',
  ],
  ['roles/iam.serviceAccountAdmin', ['iam.serviceAccounts.create'], 'an account for each node'],
  ['roles/iam.serviceAccountUser', ['iam.serviceAccounts.actAs'], 'machines that run as these accounts'],
  ['roles/resourcemanager.projectIamAdmin', ['resourcemanager.projects.setIamPolicy'], 'their rights in the project'],
  [
    'roles/storage.admin',
    ['storage.buckets.create', 'storage.buckets.setIamPolicy', 'storage.objects.create'],
    'the buckets of plan and results',
  ],
  [
    'roles/secretmanager.admin',
    ['secretmanager.secrets.create', 'secretmanager.secrets.setIamPolicy'],
    'the keys of the nodes',
  ],
  ['roles/iap.tunnelResourceAccessor', ['iap.tunnelInstances.accessViaIAP'], 'the way to a node'],
  ['roles/compute.osAdminLogin', ['compute.instances.osAdminLogin'], 'the login on a machine'],
  ['roles/logging.viewer', ['logging.logEntries.list'], 'scripts/cloud logs'],
];

export const operatorPermissions = operatorRoles.flatMap(([, permissions]) => permissions);

/** One finding if all is there, else one for each role that is missing. Pure. */
export function judgeRights(project: string, granted: readonly string[] | null): readonly Finding[] {
  if (granted === null)
    return [unknown('rights', 'whether you have them is not to be seen', `gcloud projects get-iam-policy ${project}`)];
  const has = new Set(granted);
  const lacking = operatorRoles.filter(([, permissions]) => permissions.some((permission) => !has.has(permission)));
  if (lacking.length === 0)
    return [ok('rights', `all ${operatorRoles.length} roles that are needed, or what is in them`)];
  return lacking.map(([role, permissions, why]) =>
    missing(
      role,
      `${why}: you lack ${permissions.filter((permission) => !has.has(permission)).join(', ')}`,
      `gcloud projects add-iam-policy-binding ${project} --member="user:$(gcloud config get account)" --role=${role}`,
    ),
  );
}
