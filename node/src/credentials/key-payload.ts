import { createPrivateKey, X509Certificate } from 'node:crypto';
import { z } from 'zod';

/** What one version of a node's secret holds: PEM texts, in one JSON object, so that key and certificate are always of one set. */
export const keyPayload = z.strictObject({
  certificate: z.string().min(1),
  key: z.string().min(1),
  /** Of every authority that is trusted, one behind the other. */
  ca: z.string().min(1),
});

export type KeyPayload = z.output<typeof keyPayload>;

/** Reads a payload and looks whether key and certificate belong together. A sentence about what is wrong with it, without its content. */
export function parseKeyPayload(text: string): KeyPayload | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  const parsed = keyPayload.safeParse(value);
  if (!parsed.success) return 'it is no object with the texts certificate, key and ca';
  const { certificate, key, ca } = parsed.data;
  try {
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)))
      return 'its key does not belong to its certificate';
    new X509Certificate(ca);
  } catch (error) {
    return `its PEM texts cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
  return parsed.data;
}
