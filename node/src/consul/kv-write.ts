import { askConsul, type ConsulAddress } from './http.ts';

interface Condition {
  /** The modify index that the key must still have; 0: there must be no such key. */
  readonly cas: number;
  readonly timeoutMs: number;
}

/**
 * Puts the text under the key if nobody has changed it since: Consul does one of several such writes and no other. False: somebody
 * was first. After CONSUL_FAILED it may be there or not.
 */
export async function writeKeyIf(consul: ConsulAddress, key: string, text: string, when: Condition): Promise<boolean> {
  const { cas, timeoutMs } = when;
  const answer = await askConsul(consul, {
    method: 'PUT',
    path: keyPath(key),
    query: { cas: String(cas) },
    body: text,
    timeoutMs,
  });
  return answer.text.trim() === 'true';
}

/** Takes the key away if nobody has changed it since. */
export async function deleteKeyIf(consul: ConsulAddress, key: string, { cas, timeoutMs }: Condition): Promise<void> {
  await askConsul(consul, { method: 'DELETE', path: keyPath(key), query: { cas: String(cas) }, timeoutMs });
}

function keyPath(key: string): string {
  return `/kv/${key.split('/').map(encodeURIComponent).join('/')}`;
}
