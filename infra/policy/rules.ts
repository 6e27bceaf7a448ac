import { IAP_RANGE } from '../src/plan/addresses.ts';

/** A resource as the engine is about to make it. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** One rule: what it is for, and what is wrong with a resource; null: nothing. Pure, so that a test needs no engine. */
export interface Rule {
  readonly name: string;
  readonly description: string;
  readonly check: (resource: Resource) => string | null;
}

type Props = Resource['props'];
const recordOf = (value: unknown): Props => (typeof value === 'object' && value !== null ? (value as Props) : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A rule for one type of resource; `wrong` is given its inputs. */
function rule(
  name: string,
  type: RegExp,
  description: string,
  wrong: (props: Props, resource: Resource) => string | null,
): Rule {
  return {
    name,
    description,
    check: (resource) => (type.test(resource.type) ? wrong(resource.props, resource) : null),
  };
}

const bucket = /^gcp:storage\/bucket:Bucket$/;
const firewall = /^gcp:compute\/firewall:Firewall$/;
const instance = /^gcp:compute\/instance:Instance$/;
/** IAMMember, IAMBinding and IAMPolicy of whatever. */
const grant = /^gcp:.*iam(member|binding|policy):/i;
/** What Google lets have labels, of what this program makes or may come to make. */
const labelled = /^gcp:(compute\/(instance|disk|address):|storage\/bucket:|secretmanager\/secret:Secret$)/;

const everybody: ReadonlySet<unknown> = new Set(['0.0.0.0/0', '::/0']);
const members = (props: Props): readonly unknown[] => [props.member, ...listOf(props.members)];
/** What a secret looks like in clear: a key or certificate's key in PEM, a token of Google, a long random word by such a name. */
const secretText =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----|\bya29\.[\w-]{20}|\b\w*(TOKEN|SECRET|PASSWORD|PRIVATE_KEY)=(?!projects\/)\S{8,}/;

/** The rules of a stack of tutti. All are mandatory. */
export const rules: readonly Rule[] = [
  rule('no-public-bucket', bucket, 'No bucket can be made public.', ({ publicAccessPrevention }) =>
    publicAccessPrevention === 'enforced' ? null : 'publicAccessPrevention must be "enforced"',
  ),
  rule('uniform-access', bucket, 'Rights on a bucket are those of the bucket alone.', ({ uniformBucketLevelAccess }) =>
    uniformBucketLevelAccess === true ? null : 'uniformBucketLevelAccess must be true',
  ),
  rule('no-open-firewall', firewall, 'Nothing is let in from everywhere.', (props) =>
    props.direction !== 'EGRESS' && listOf(props.allows).length > 0 && opensToAll(props)
      ? 'lets in from 0.0.0.0/0: name ranges or service accounts'
      : null,
  ),
  rule(
    'firewall-by-account',
    firewall,
    'Who is let in is an account, or Identity-Aware Proxy; never a tag.',
    (props) => {
      if (props.direction === 'EGRESS' || listOf(props.allows).length === 0) return null;
      if (listOf(props.sourceTags).length > 0)
        return 'lets in by sourceTags, which anybody may set who may edit a machine';
      const ranges = listOf(props.sourceRanges);
      const isProxy = ranges.length > 0 && ranges.every((range) => range === IAP_RANGE);
      return isProxy || listOf(props.sourceServiceAccounts).length > 0
        ? null
        : `lets in neither by sourceServiceAccounts nor from ${IAP_RANGE}`;
    },
  ),
  rule(
    'no-account-keys',
    /^gcp:serviceaccount\/key:/i,
    'Service accounts have no keys.',
    () => 'a machine needs no key of its account: the metadata server gives tokens',
  ),
  rule('no-primitive-roles', grant, 'Nobody is given a role for everything.', ({ role }) =>
    typeof role === 'string' && /^roles\/(owner|editor|viewer)$/.test(role) ? `${role} is a role for everything` : null,
  ),
  rule('no-public-grant', grant, 'Nothing is given to everybody.', (props) =>
    members(props).some((member) => member === 'allUsers' || member === 'allAuthenticatedUsers')
      ? 'gives a right to everybody'
      : null,
  ),
  rule('secrets-one-by-one', /^gcp:projects\/iAM/i, 'No right on all secrets of a project.', ({ role }) =>
    typeof role === 'string' && role.startsWith('roles/secretmanager.')
      ? `${role} for the whole project: give it on one secret`
      : null,
  ),
  rule('shielded-vm', instance, 'Machines are Shielded VMs.', ({ shieldedInstanceConfig }) => {
    const { enableSecureBoot, enableVtpm, enableIntegrityMonitoring } = recordOf(shieldedInstanceConfig);
    const isAll = [enableSecureBoot, enableVtpm, enableIntegrityMonitoring].every((on) => on === true);
    return isAll ? null : 'shieldedInstanceConfig must have all three on';
  }),
  rule('os-login', instance, 'Logins on machines are those of IAM.', ({ metadata }) => {
    const attributes = recordOf(metadata);
    const isOn = attributes['enable-oslogin'] === 'TRUE' && attributes['block-project-ssh-keys'] === 'TRUE';
    return isOn ? null : 'metadata needs enable-oslogin and block-project-ssh-keys TRUE';
  }),
  rule('ends-by-itself', instance, 'A forgotten machine stops.', ({ scheduling }) => {
    const { maxRunDuration, instanceTerminationAction } = recordOf(scheduling);
    const { seconds } = recordOf(maxRunDuration);
    const isBounded = typeof seconds === 'number' && seconds > 0 && seconds <= 720 * 3600;
    return isBounded && instanceTerminationAction === 'STOP'
      ? null
      : 'scheduling needs maxRunDuration of at most 720 hours, and STOP';
  }),
  rule('own-account', instance, 'A machine has an account of its own.', ({ serviceAccount }) => {
    const { email } = recordOf(serviceAccount);
    if (email === undefined || email === '') return 'has no service account: it would get the default one';
    return typeof email === 'string' && email.endsWith('-compute@developer.gserviceaccount.com')
      ? 'runs as the default account, which may do too much'
      : null;
  }),
  rule('no-default-network', instance, 'Machines are in a network of their own.', ({ networkInterfaces }) =>
    listOf(networkInterfaces).some((one) => isOnDefault(recordOf(one))) ? 'is in the default network' : null,
  ),
  rule('no-auto-subnets', /^gcp:compute\/network:Network$/, 'A network has the subnets that are named.', (props) =>
    props.autoCreateSubnetworks === false ? null : 'autoCreateSubnetworks must be false',
  ),
  rule(
    'no-secret-in-clear',
    /^gcp:compute\/(instance|projectMetadata)/,
    'No secret is an attribute.',
    ({ metadata }) => {
      const found = Object.entries(recordOf(metadata)).find(
        ([, value]) => typeof value === 'string' && secretText.test(value),
      );
      return found === undefined ? null : `metadata.${found[0]} holds a secret: Secret Manager is the place for it`;
    },
  ),
  rule('labels', labelled, 'What costs can be found by its stack.', ({ labels }) => {
    const { application, stack, 'managed-by': manager } = recordOf(labels);
    return application === 'tutti' && typeof stack === 'string' && manager === 'pulumi'
      ? null
      : 'labels need application, stack and managed-by';
  }),
];

/** Google takes a rule that names no source at all for one from everywhere. */
function opensToAll({ sourceRanges, sourceServiceAccounts, sourceTags }: Props): boolean {
  const isNamed = [sourceRanges, sourceServiceAccounts, sourceTags].some((sources) => listOf(sources).length > 0);
  return !isNamed || listOf(sourceRanges).some((range) => everybody.has(range));
}

function isOnDefault({ network, subnetwork }: Props): boolean {
  const endsWith = (value: unknown, end: string): boolean => typeof value === 'string' && value.endsWith(end);
  if (subnetwork === undefined) return network === undefined || endsWith(network, 'default');
  return endsWith(subnetwork, '/subnetworks/default');
}

/** What every rule has to say of a resource: "name of the rule: what is wrong". */
export function violations(resource: Resource): readonly string[] {
  return rules.flatMap((one) => {
    const wrong = one.check(resource);
    return wrong === null ? [] : [`${one.name}: ${wrong}`];
  });
}
