import { z } from 'zod';
import { machineTypes } from '../plan/prices.ts';
import { regions } from '../plan/regions.ts';

const names = new Set(regions.map(({ name }) => name));
const wholeNumber = (min: number, max: number): z.ZodNumber => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};

const region = z
  .string({ error: 'must be the name of a region, such as europe-west1' })
  .refine((name) => names.has(name), {
    error: ({ input }) =>
      `"${String(input)}" is no region that this program knows; \`gcloud compute regions list\` shows them`,
  });

/** Machines of Compute Engine. Cloud Run will be a second member. */
const gce = z.strictObject({
  kind: z.literal('gce'),
  machineType: z.enum(machineTypes, { error: `must be one of ${machineTypes.join(', ')}` }).default('e2-standard-2'),
  /** For the log, in GiB. */
  dataDiskGib: wholeNumber(10, 1000).default(10),
  /** A machine stops itself after so many hours, so that a forgotten test does not cost for weeks. */
  maxRunHours: wholeNumber(1, 720).default(24),
});

const image = z
  .string({ error: 'is required: host/path@sha256:...' })
  .regex(
    /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$/,
    'must be an image by digest, host/path@sha256:... (a tag can be moved); `docker buildx imagetools inspect` shows the digest',
  );

const kinds = (...known: string[]): string => `must be a map with \`kind\`: ${known.join(' or ')}`;

/** The keys `tutti:...` of a stack, and `gcp:project`. One source for types, defaults and messages. */
export const stackSchema = z.strictObject({
  project: z
    .string({ error: 'is required: `pulumi config set gcp:project PROJECT_ID`' })
    .regex(
      /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
      'must be the id of a project (not its name or number); `gcloud projects list` shows it',
    ),
  stack: z
    .string()
    .regex(
      /^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$/,
      'is the name of this stack, and begins the names of service accounts, which Google keeps short: 1 to 16 lower-case letters, digits and hyphens; `pulumi stack rename`',
    ),
  regions: z
    .array(region, { error: "is required: a list; `pulumi config set --path 'tutti:regions[0]' europe-west1`" })
    .min(1, 'must name at least one region'),
  plan: z
    .string({
      error: 'is required: the path of a plan, from the folder infra; `pulumi config set tutti:plan plan.yaml`',
    })
    .min(1, 'must be the path of a plan'),
  nodesPerRegion: wholeNumber(1, 7).default(1),
  loadNodesPerRegion: wholeNumber(0, 50).default(0),
  runtime: z
    .discriminatedUnion('kind', [gce], {
      error: `${kinds('gce')} (Cloud Run is not built yet)`,
    })
    .prefault({ kind: 'gce' }),
  deploy: z
    .discriminatedUnion(
      'kind',
      [z.strictObject({ kind: z.literal('bundle') }), z.strictObject({ kind: z.literal('image'), image })],
      { error: kinds('bundle', 'image') },
    )
    .default({ kind: 'bundle' }),
  /**
   * Who makes the keys for mutual TLS between the nodes, and the token of their API. state: this program, so they are in its state, encrypted.
   * external: `scripts/cloud keys`. none: nobody, the firewall is all there is.
   */
  keys: z.enum(['state', 'external', 'none'], { error: 'must be state, external or none' }).default('state'),
  /** Where the buckets are. Not made of the regions: a bucket cannot move, and regions come and go. */
  bucketLocation: z.enum(['US', 'EU', 'ASIA'], { error: 'must be US, EU or ASIA' }).default('US'),
  /** Whether the results bucket stays after `pulumi destroy`. */
  keepResults: z.boolean({ error: 'must be true or false' }).default(true),
});

export type StackConfig = z.output<typeof stackSchema>;
