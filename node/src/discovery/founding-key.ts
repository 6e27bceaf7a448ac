import type { ConsulAddress } from '../consul/http.ts';
import { readKey } from '../consul/kv.ts';
import { deleteKeyIf, writeKeyIf } from '../consul/kv-write.ts';
import { decodeFounding, encodeFounding, type Founding } from './founding.ts';

const timeoutMs = 2_000;

/** Of a cluster that is founded. */
export interface Founded extends Founding {
  readonly clusterId: string;
}

/** What Consul has under the key, compared with what a member knows. */
export type Kept = 'missing' | 'unmarked' | 'marked' | 'foreign';

/** `unmarked`: the same founders, and nobody has said yet that they founded. `foreign`: another cluster, or no founding at all. */
export function compare(text: string | null, founded: Founded): Kept {
  if (text === null) return 'missing';
  const there = decodeFounding(text);
  if (
    there === null ||
    encodeFounding({ ...there, clusterId: null }) !== encodeFounding({ ...founded, clusterId: null })
  )
    return 'foreign';
  if (there.clusterId === null) return 'unmarked';
  return there.clusterId === founded.clusterId ? 'marked' : 'foreign';
}

/**
 * Has Consul say that the cluster is founded, so that nobody founds it again, whoever lost his disk. True once it does; false where
 * it has something else, or somebody wrote at the same moment. CONSUL_FAILED.
 */
export async function markFounded(consul: ConsulAddress, key: string, founded: Founded): Promise<boolean> {
  const { value } = await readKey(consul, key, { timeoutMs });
  const record = compare(value?.text ?? null, founded);
  if (record === 'marked') return true;
  if (record === 'foreign') return false;
  return writeKeyIf(consul, key, encodeFounding(founded), { cas: value?.modifyIndex ?? 0, timeoutMs });
}

/** The cluster has ended with its last member: whoever comes founds another one. CONSUL_FAILED. */
export async function dissolve(consul: ConsulAddress, key: string, founded: Founded): Promise<void> {
  const { value } = await readKey(consul, key, { timeoutMs });
  if (value === null || compare(value.text, founded) === 'foreign') return;
  await deleteKeyIf(consul, key, { cas: value.modifyIndex, timeoutMs });
}
