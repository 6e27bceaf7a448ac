import { z } from 'zod';
import type { ConsulAddress } from '../consul/http.ts';
import { readKey } from '../consul/kv.ts';
import { deleteKeyIf, writeKeyIf } from '../consul/kv-write.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Identify, Located } from './founding.ts';

const timeoutMs = 5_000;
/** A holder on a busy machine may miss one question. */
const questions = 3;
/** Others that claim the same name at the same moment: each of them is asked in turn. */
const rounds = 10;

const schema = z.object({ incarnation: z.string(), session: z.string(), address: z.string() });
type Holder = z.output<typeof schema>;

export interface ClaimOptions {
  readonly consul: ConsulAddress;
  readonly key: string;
  readonly self: Located;
  readonly identify: Identify;
}

/**
 * Takes the name of this node in Consul's KV, before it is registered: one name is one living process. Whoever holds it is asked at
 * its address, and only if nobody of that name answers there is the claim taken over. SETTINGS_INVALID names the holder;
 * CONSUL_FAILED may be tried again.
 */
export async function claimName({ consul, key, self, identify }: ClaimOptions): Promise<void> {
  const { incarnation, session, address } = self;
  for (let round = 0; round < rounds; round += 1) {
    const { value } = await readKey(consul, key, { timeoutMs });
    const holder = value === null ? null : holderOf(value.text);
    // Written, though the answer was lost.
    if (holder?.session === session) return;
    if (holder !== null && (await isAlive(holder, self, identify))) throw taken(self, holder.address);
    const cas = value?.modifyIndex ?? 0;
    if (await writeKeyIf(consul, key, JSON.stringify({ incarnation, session, address }), { cas, timeoutMs })) return;
  }
  throw new TuttiError('CONSUL_FAILED', `${key} is written all the time by others: the name is not taken yet`);
}

/** At an orderly end, if the claim is still that of this process. */
export async function releaseName(options: Omit<ClaimOptions, 'identify'>, withinMs: number): Promise<void> {
  const { consul, key, self } = options;
  const { value } = await readKey(consul, key, { timeoutMs: withinMs });
  if (value === null || holderOf(value.text)?.session !== self.session) return;
  await deleteKeyIf(consul, key, { cas: value.modifyIndex, timeoutMs: withinMs });
}

/** Null: what is there is no claim, so nobody is behind it. */
function holderOf(text: string): Holder | null {
  try {
    const read = schema.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

async function isAlive({ address }: Holder, self: Located, identify: Identify): Promise<boolean> {
  for (let question = 0; question < questions; question += 1) {
    const met = await identify(address);
    if (met !== null) return met.nodeId === self.nodeId && met.session !== self.session;
  }
  return false;
}

function taken({ nodeId, address }: Located, holder: string): TuttiError {
  return new TuttiError(
    'SETTINGS_INVALID',
    `two processes call themselves "${nodeId}": one at ${holder}, and this one at ${address}, which came later and ends; give ` +
      'each an id of its own (CLUSTER_NODE_ID) and its own CLUSTER_DATA_DIR',
  );
}
