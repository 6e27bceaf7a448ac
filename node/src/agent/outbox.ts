import type { EncodedCut } from '../results/measurements.ts';

/**
 * Bytes of intervals a node keeps that the cluster has not counted. At 50 KB a second (ten steps, busy) twenty minutes;
 * beyond, a node that nobody listens to must stop firing rather than run out of memory.
 */
export const maxUnsentBytes = 64 * 1024 * 1024;
/** Beyond the stop, empty cuts still come, one a second; this much room is left for them. */
export const maxUnsentBytesAfterStop = maxUnsentBytes + 16 * 1024 * 1024;
/** One message: enough to catch up quickly after an election, small beside the transport's limit on a frame. */
const maxCutsPerMessage = 8;
const maxBytesPerMessage = 1024 * 1024;

interface Kept {
  readonly number: number;
  readonly text: string;
}

/**
 * The intervals of one run that the replicated state does not show as counted yet. They leave by the watermark alone, never
 * by having been sent: a leader that took one may die before it is committed.
 */
export class Outbox {
  #kept: Kept[] = [];
  #bytes = 0;

  add(cut: EncodedCut): void {
    const text = JSON.stringify(cut);
    this.#kept.push({ number: cut.number, text });
    this.#bytes += text.length;
  }

  /** Everything up to and including `lastInterval` is in the replicated state. */
  counted(lastInterval: number): void {
    let covered = 0;
    while (covered < this.#kept.length && this.#kept[covered]!.number <= lastInterval) {
      this.#bytes -= this.#kept[covered]!.text.length;
      covered++;
    }
    if (covered > 0) this.#kept.splice(0, covered);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#kept.length;
  }

  /**
   * The oldest intervals, as the JSON texts of one message. It always begins with the first one not counted: a leader that
   * knows nothing of this agent takes the first of a message as the agent's first.
   */
  head(): { readonly texts: readonly string[]; readonly last: number } | null {
    const texts: string[] = [];
    let bytes = 0;
    let last = -1;
    for (const { number, text } of this.#kept) {
      if (texts.length > 0 && (texts.length >= maxCutsPerMessage || bytes + text.length > maxBytesPerMessage)) break;
      texts.push(text);
      bytes += text.length;
      last = number;
    }
    return texts.length === 0 ? null : { texts, last };
  }

  /** All of it, for the file a node writes when the cluster never came back. */
  all(): readonly string[] {
    return this.#kept.map(({ text }) => text);
  }
}
