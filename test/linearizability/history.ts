import type { Answer } from '../../examples/key-value/commands.ts';

export type ObjectKind = 'register' | 'set';

/** What a client asked. */
export type Call =
  | { readonly op: 'read' }
  | { readonly op: 'write'; readonly value: string }
  | { readonly op: 'compareAndSet'; readonly expected: string | null; readonly value: string }
  | { readonly op: 'add'; readonly value: string };

/** What a client knows of it. Times are nanoseconds since the start of the run, all of one clock. */
export type End =
  | { readonly outcome: 'ok'; readonly returnNs: number; readonly answer: Answer }
  /** It certainly did not happen: nobody took it, or a node said so. */
  | { readonly outcome: 'refused' }
  /** It may have happened, or happen at any time from now on, or never. */
  | { readonly outcome: 'unknown' };

export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly kind: ObjectKind;
  readonly call: Call;
  readonly callNs: number;
  readonly end: End;
}

/** A fault that the cluster was put through, from its first effect until it was healed. */
export interface FaultRecord {
  readonly kind: string;
  readonly what: string;
  readonly startNs: number;
  readonly endNs: number;
}
