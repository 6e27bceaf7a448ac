import { z } from 'zod';

const bucketUrl = /^gs:\/\/([^/]+)$/;
const objectUrl = /^gs:\/\/([^/]+)\/(.+)$/;

const node = z.object({
  /** `CLUSTER_NODE_ID`. */
  id: z.string(),
  /** `CLUSTER_ROLE`. */
  role: z.enum(['voter', 'learner']),
  region: z.string(),
  zone: z.string(),
  /** The name of its machine. */
  instance: z.string(),
  internalIp: z.string(),
  externalIp: z.string(),
  /** The secret with its key and certificate, projects/PROJECT/secrets/SECRET; null with `keys: none`. */
  keysSecret: z.string().nullable().default(null),
});

/** US dollars and bytes, as ./plan/cost.ts estimates them. */
const cost = z.object({
  usdPerHour: z.number(),
  usdUntilStopped: z.number(),
  usdPerDayStopped: z.number(),
  egressUsdPerHourAtOneGbitPerNode: z.number(),
  /** Null: the plan does not fix a rate. */
  egressOfPlan: z.object({ gb: z.number(), usd: z.number(), usdPerHour: z.number() }).nullable().default(null),
});

/**
 * What a stack says of itself (`pulumi stack output --json`): the program must give it, and scripts read it, by this alone. The engine leaves out
 * what is null.
 */
export const outputsSchema = z.object({
  project: z.string(),
  stack: z.string(),
  clusterNodes: z.string(),
  /** gs://bucket/object */
  plan: z.string().regex(objectUrl),
  /** gs://bucket */
  results: z.string().regex(bucketUrl),
  /** Whether that bucket stays after `pulumi destroy`. */
  keepResults: z.boolean(),
  /** Who makes the keys of the nodes (./config/schema.ts). */
  keys: z.enum(['state', 'external', 'none']),
  nodes: z.array(node).min(1),
  timings: z.object({ longestRoundTripMs: z.number(), electionTimeoutMs: z.number(), central: z.array(z.string()) }),
  cost,
  /** The secret that holds the token of the nodes' API, by its full name; null: there is none. */
  apiToken: z.string().nullable().default(null),
  /** The command that comes after `pulumi up`. */
  next: z.string(),
});

export type StackOutputs = z.output<typeof outputsSchema>;
export type NodeOutputs = StackOutputs['nodes'][number];

/** "gs://bucket/object" in two; the schema has seen that it has that form. */
export function objectOf(url: string): { readonly bucket: string; readonly object: string } {
  const [, bucket = '', object = ''] = objectUrl.exec(url) ?? [];
  return { bucket, object };
}

/** The bucket of "gs://bucket". */
export function bucketOf(url: string): string {
  return bucketUrl.exec(url)?.[1] ?? '';
}
