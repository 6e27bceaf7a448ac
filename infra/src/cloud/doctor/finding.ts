/** One thing that was looked at. unknown: it could not be seen; `up` may work all the same. */
export interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'unknown';
  readonly detail: string;
  /** What mends it; null where nothing is to be done. */
  readonly command: string | null;
}

export const ok = (what: string, detail: string): Finding => ({ what, state: 'ok', detail, command: null });
export const missing = (what: string, detail: string, command: string): Finding => ({
  what,
  state: 'missing',
  detail,
  command,
});
export const unknown = (what: string, detail: string, command: string | null): Finding => ({
  what,
  state: 'unknown',
  detail,
  command,
});
