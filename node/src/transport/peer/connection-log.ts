import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { NodeId } from '../../raft/types.ts';
import { STEADY_AFTER_MS } from '../backoff.ts';

/** What goes on is said again once a minute, so that any part of a log shows it. */
const REPEAT_AFTER_MS = 60_000;

/** Names remembered: more than any list has. Of a forgotten one the next refusal is said again, which does no harm. */
const MAX_PEERS = 64;

interface Refused {
  readonly reason: string;
  readonly saidMs: number;
  /** Ends the wait for a connection to last. */
  readonly cancel: () => void;
}

/**
 * Logs who is connected and who is lost. A peer that is refused once it is connected comes back every two seconds, until somebody
 * acts: after the first time it is called connected when that has lasted, and lost when that was said, for a new reason, or
 * once a minute.
 */
export class ConnectionLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #refused = new Map<NodeId, Refused>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  connected(peer: NodeId, address: string): void {
    const tell = (): void => this.#log.info({ peer, address }, 'connected');
    const before = this.#refused.get(peer);
    if (before === undefined) return tell();
    before.cancel();
    const cancel = this.#clock.at(this.#clock.nowMs() + STEADY_AFTER_MS, () => {
      this.#refused.delete(peer);
      tell();
    });
    this.#refused.set(peer, { ...before, cancel });
  }

  lost(peer: NodeId, reason: string): void {
    const nowMs = this.#clock.nowMs();
    const before = this.#refused.get(peer);
    before?.cancel();
    if (before?.reason === reason && nowMs - before.saidMs < REPEAT_AFTER_MS) return;
    this.#log.info({ peer }, `lost: ${reason}`);
    this.#refused.delete(peer);
    if (!reason.startsWith('refused: ')) return;
    this.#refused.set(peer, { reason, saidMs: nowMs, cancel: () => undefined });
    const [oldest] = this.#refused;
    if (this.#refused.size > MAX_PEERS && oldest !== undefined) this.#forget(oldest);
  }

  /** Nothing is said later. */
  close(): void {
    for (const known of [...this.#refused]) this.#forget(known);
  }

  #forget([peer, { cancel }]: readonly [NodeId, Refused]): void {
    cancel();
    this.#refused.delete(peer);
  }
}
