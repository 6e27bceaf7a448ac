import { z } from 'zod';

/** What a node says of itself when it is asked at its address. */
export interface Met {
  readonly nodeId: string;
  readonly incarnation: string;
  /** New with each start of its process. */
  readonly session: string;
  /** Of the founded cluster it belongs to, as its log has it; null: none yet. */
  readonly clusterId: string | null;
  /** It wants no vote, and founds nothing. */
  readonly isLearner: boolean;
}

/** Somebody who answered at host:port. */
export interface Located extends Met {
  readonly address: string;
}

/** Asks who is at host:port. Null: nobody that is known to be a node. */
export type Identify = (address: string) => Promise<Met | null>;

export interface Founder {
  readonly id: string;
  /** host:port, as it was at the founding. */
  readonly address: string;
}

/** Who founds the cluster: written once, obeyed by all. */
export interface Founding {
  readonly founders: readonly Founder[];
  /** It is founded, and has this id: from then on nobody founds it, founders without their disks neither. Null: not known to be. */
  readonly clusterId: string | null;
}

const schema = z.strictObject({
  formatVersion: z.literal(1),
  founders: z.array(z.strictObject({ id: z.string().min(1), address: z.string().min(1) })).min(1),
  clusterId: z.string().min(1).nullable(),
});

export function encodeFounding({ founders, clusterId }: Founding): string {
  return `${JSON.stringify({ formatVersion: 1, founders, clusterId }, null, 2)}\n`;
}

/** Null: the text is no founding of this version. */
export function decodeFounding(text: string): Founding | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const read = schema.safeParse(json);
  if (!read.success) return null;
  const { founders, clusterId } = read.data;
  const isOneEach = new Set(founders.map(({ id }) => id)).size === founders.length;
  return isOneEach ? { founders, clusterId } : null;
}

export type Step =
  | { readonly kind: 'found'; readonly founding: Founding }
  /** Not by this node, not now. */
  | { readonly kind: 'wait'; readonly reason: string };

/**
 * What this node may do, having met `met`: found once `expected` distinct nodes are there, this one included, and none of them
 * belongs to a founded cluster. Who answers at two addresses, or under the name of this node, counts once.
 */
export function nextStep(self: Located, expected: number, met: readonly Located[]): Step {
  const member = met.find(({ clusterId }) => clusterId !== null);
  if (member !== undefined) {
    const reason = `"${member.nodeId}" at ${member.address} belongs to a founded cluster: waiting for the list of its founders`;
    return { kind: 'wait', reason };
  }
  if (self.isLearner) return { kind: 'wait', reason: 'a learner founds nothing: waiting for those that do' };
  const present = [self, ...distinct(self, met).filter(({ isLearner }) => !isLearner)];
  if (present.length < expected) {
    const names = present.map(({ nodeId }) => `"${nodeId}"`).join(', ');
    return { kind: 'wait', reason: `${present.length} of ${expected} expected nodes are here: ${names}` };
  }
  const founders = present
    .slice(0, expected)
    .map(({ nodeId: id, address }) => ({ id, address }))
    .sort((a, b) => compare(a.id, b.id));
  return { kind: 'found', founding: { founders, clusterId: null } };
}

/** By name, by process and by address, in the order of their names, so that whoever looks sees the same. */
function distinct(self: Located, met: readonly Located[]): readonly Located[] {
  const seen = new Set(keysOf(self));
  const ordered = [...met].sort((a, b) => compare(a.nodeId, b.nodeId) || compare(a.address, b.address));
  return ordered.filter((each) => {
    const keys = keysOf(each);
    if (keys.some((key) => seen.has(key))) return false;
    for (const key of keys) seen.add(key);
    return true;
  });
}

function keysOf({ nodeId, session, address }: Located): readonly string[] {
  return [`id ${nodeId}`, `session ${session}`, `address ${address}`];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
