import type { Context, ResourceKind, Rule } from './resource-kind.ts';
import { textOf, textsAt } from './values.ts';

const registry = 'https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources';
const rest = 'https://cloud.google.com/compute/docs/reference/rest/v1';
const link = 'https://www.googleapis.com/compute/v1/';
/** RFC 1035, as Compute Engine wants all names. */
const names = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Without what a link has before the id. */
export const idOf = (text: string): string => (text.startsWith(link) ? text.slice(link.length) : text);
export const selfLink = ({ id }: Context): string => `${link}${id}`;
export const named = (docs: string): Rule => ({ at: 'name', matches: names, docs });
export const replacedBy = (docs: string, ...paths: readonly string[]): readonly Rule[] =>
  paths.map((replaces) => ({ replaces, docs }));

export const idsAt = (context: Pick<Context, 'inputs'>, path: string): readonly string[] =>
  textsAt(context.inputs, path).map(idOf);

export const gcpNetwork: Readonly<Record<string, ResourceKind>> = {
  'gcp:compute/network:Network': {
    module: 'compute/network',
    docs: `${registry}/compute_network`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    rules: [
      named(`${rest}/networks#Network.FIELDS.name`),
      ...replacedBy(
        `${registry}/compute_network#argument-reference`,
        'name',
        'project',
        'description',
        'autoCreateSubnetworks',
      ),
    ],
    id: ({ project, inputs }) => `projects/${project}/global/networks/${textOf(inputs, 'name')}`,
    computed: { project: ({ project }) => project, selfLink },
  },
  'gcp:compute/subnetwork:Subnetwork': {
    module: 'compute/subnetwork',
    docs: `${registry}/compute_subnetwork`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    uses: (context) => idsAt(context, 'network'),
    rules: [
      named(`${rest}/subnetworks#Subnetwork.FIELDS.name`),
      {
        at: 'ipCidrRange',
        matches: /^\d+\.\d+\.\d+\.\d+\/(8|9|1\d|2\d)$/,
        docs: 'https://cloud.google.com/vpc/docs/subnets#valid-ranges',
      },
      // A range may grow and not shrink; the program never changes one.
      ...replacedBy(
        `${registry}/compute_subnetwork#argument-reference`,
        'name',
        'project',
        'network',
        'region',
        'ipCidrRange',
        'description',
      ),
    ],
    id: ({ project, inputs }) =>
      `projects/${project}/regions/${textOf(inputs, 'region')}/subnetworks/${textOf(inputs, 'name')}`,
    computed: { project: ({ project }) => project, selfLink },
  },
  'gcp:compute/firewall:Firewall': {
    module: 'compute/firewall',
    docs: `${registry}/compute_firewall`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    uses: (context) => idsAt(context, 'network'),
    rules: [
      named(`${rest}/firewalls#Firewall.FIELDS.name`),
      { oneOf: ['allows', 'denies'], docs: `${rest}/firewalls#Firewall.FIELDS.allowed` },
      // "source_service_accounts cannot be used at the same time as source_tags or target_tags", and the other way round.
      ...['sourceServiceAccounts', 'targetServiceAccounts'].flatMap((accounts) =>
        ['sourceTags', 'targetTags'].map((tags): Rule => ({
          excludes: [accounts, tags],
          docs: `${registry}/compute_firewall#source_service_accounts-1`,
        })),
      ),
      ...['sourceRanges', 'sourceServiceAccounts', 'targetServiceAccounts', 'allows', 'denies'].map(
        (unordered): Rule => ({ unordered, docs: `${registry}/compute_firewall#argument-reference` }),
      ),
      ...replacedBy(`${registry}/compute_firewall#argument-reference`, 'name', 'project', 'network', 'direction'),
    ],
    id: ({ project, inputs }) => `projects/${project}/global/firewalls/${textOf(inputs, 'name')}`,
    computed: { project: ({ project }) => project, selfLink, creationTimestamp: () => '2026-01-01T00:00:00.000-00:00' },
  },
  'gcp:compute/address:Address': {
    module: 'compute/address',
    docs: `${registry}/compute_address`,
    api: 'compute.googleapis.com',
    autonamed: 'name',
    uses: (context) => idsAt(context, 'subnetwork'),
    rules: [
      named(`${rest}/addresses#Address.FIELDS.name`),
      // An internal address has no tier, and only an internal one a subnetwork.
      { excludes: ['networkTier', 'subnetwork'], docs: `${rest}/addresses#Address.FIELDS.networkTier` },
      ...replacedBy(
        `${registry}/compute_address#argument-reference`,
        ...[
          'name',
          'project',
          'region',
          'address',
          'addressType',
          'subnetwork',
          'networkTier',
          'purpose',
          'description',
        ],
      ),
    ],
    id: ({ project, inputs }) =>
      `projects/${project}/regions/${textOf(inputs, 'region')}/addresses/${textOf(inputs, 'name')}`,
    computed: {
      project: ({ project }) => project,
      selfLink,
      // RFC 5737, TEST-NET-3: nobody's.
      address: ({ inputs, serial }) => inputs.address ?? `203.0.113.${1 + (serial % 254)}`,
      networkTier: ({ inputs }) => (inputs.addressType === 'INTERNAL' ? null : 'PREMIUM'),
    },
  },
};
