import { z } from 'zod';
import { TuttiError } from '../lib/errors.ts';
import { askConsul, type ConsulAddress, shown } from './http.ts';
import type { Blocking } from './watch.ts';

/** Of Consul's KV. */
export interface KvEntry {
  /** Of this content: it changes with the content, and with nothing else. */
  readonly modifyIndex: number;
  readonly text: string;
}

const entries = z.tuple([z.object({ ModifyIndex: z.number().int().positive(), Value: z.base64().nullable() })]);

/** What is under the key now, or, `blocking`, once it is not any more what it was at that index. Null: nothing. CONSUL_FAILED. */
export async function readKey(
  consul: ConsulAddress,
  key: string,
  asked: { readonly timeoutMs: number; readonly blocking?: Blocking; readonly signal?: AbortSignal },
): Promise<{ readonly index: number; readonly value: KvEntry | null }> {
  const { blocking, signal, timeoutMs } = asked;
  const { index, status, text } = await askConsul(consul, {
    method: 'GET',
    path: `/kv/${key.split('/').map(encodeURIComponent).join('/')}`,
    // By default a leader that was deposed without knowing it may still answer, for a moment, with what was.
    query: blocking === undefined ? { consistent: '' } : { index: String(blocking.index), wait: blocking.wait },
    timeoutMs,
    ...(signal !== undefined && { signal }),
  });
  if (status === 404) return { index, value: null };
  const [{ ModifyIndex: modifyIndex, Value: value }] = decode(consul, text);
  const bytes = Buffer.from(value ?? '', 'base64');
  try {
    return { index, value: { modifyIndex, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) } };
  } catch (error) {
    throw new TuttiError('CONSUL_FAILED', `what Consul has under ${key} is no text in UTF-8`, { cause: error });
  }
}

function decode(consul: ConsulAddress, text: string): z.output<typeof entries> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const read = entries.safeParse(json);
  if (read.success) return read.data;
  throw new TuttiError('CONSUL_FAILED', `${shown(consul.url)} answers, but not as Consul does: is it its HTTP API?`);
}
