import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { NodeId } from '../raft/types.ts';

/** A refused peer tries again every few seconds. Once a minute is enough to show in any part of a log that it goes on. */
export const repeatAfterMs = 60_000;

/** Peers remembered: more than any list has. Of a forgotten one the next refusal is said again, which does no harm. */
const maxPeers = 64;

interface Said {
  readonly reason: string;
  readonly saidMs: number;
  /** Refusals since, for the same reason. */
  readonly unsaid: number;
}

/** Logs that a peer may not take part: at once when the reason is new, then at most once a minute, with how often it was. */
export class RefusalLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #said = new Map<NodeId, Said>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  refused(id: NodeId, reason: string): void {
    const nowMs = this.#clock.nowMs();
    const known = this.#said.get(id);
    const before = known?.reason === reason ? known : null;
    this.#said.delete(id);
    if (before !== null && nowMs - before.saidMs < repeatAfterMs) {
      this.#said.set(id, { ...before, unsaid: before.unsaid + 1 });
      return;
    }
    this.#said.set(id, { reason, saidMs: nowMs, unsaid: 0 });
    if (this.#said.size > maxPeers) this.#forgetOldest();
    const times = (before?.unsaid ?? 0) + 1;
    const again =
      before === null ? '' : ` (refused ${times} more times in the last ${inSeconds(nowMs - before.saidMs)})`;
    this.#log.warn({ peer: id, reason, times }, `${id} may not take part: ${reason}${again}`);
  }

  #forgetOldest(): void {
    const [oldest] = this.#said.keys();
    if (oldest !== undefined) this.#said.delete(oldest);
  }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
