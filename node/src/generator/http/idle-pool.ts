import type { Plan } from '../../plan/plan.ts';
import type { Connection } from './connection.ts';
import { LinkedList } from './linked-list.ts';
import type { Origin } from './origin.ts';

/**
 * Connections that wait for their next request, by origin, oldest first. The newest is taken first, so that those beyond
 * what the load needs grow old and go.
 */
export class IdlePool {
  readonly #settings: Plan['pool'];
  readonly #byOrigin = new Map<Origin, LinkedList<Connection>>();

  constructor(settings: Plan['pool']) {
    this.#settings = settings;
  }

  /** The newest idle connection to the origin, no longer in the pool; null when there is none young enough. */
  take(origin: Origin, nowMs: number): Connection | null {
    const idle = this.#byOrigin.get(origin);
    const newest = idle?.last ?? null;
    if (newest === null || newest.idleSinceMs + this.#settings.idleTimeoutMs <= nowMs) return null;
    idle!.remove(newest);
    return newest;
  }

  /** False when the origin has as many as the plan allows; the connection is then not in the pool. */
  keep(connection: Connection, nowMs: number): boolean {
    let idle = this.#byOrigin.get(connection.origin);
    if (idle === undefined) this.#byOrigin.set(connection.origin, (idle = new LinkedList()));
    if (idle.length >= this.#settings.maxIdlePerHost) return false;
    connection.idleSinceMs = nowMs;
    idle.append(connection);
    return true;
  }

  remove(connection: Connection): void {
    this.#byOrigin.get(connection.origin)!.remove(connection);
  }

  /** Closes those that have been idle for the plan's idle timeout. */
  expire(nowMs: number): void {
    for (const [origin, idle] of this.#byOrigin) {
      for (let oldest = idle.first; oldest !== null; oldest = idle.first) {
        if (oldest.idleSinceMs + this.#settings.idleTimeoutMs > nowMs) break;
        idle.remove(oldest);
        oldest.abandon();
      }
      if (idle.length === 0) this.#byOrigin.delete(origin);
    }
  }

  /** Closes all connections to the origin and forgets it. */
  forget(origin: Origin): void {
    const idle = this.#byOrigin.get(origin);
    this.#byOrigin.delete(origin);
    for (let oldest = idle?.first ?? null; oldest !== null; oldest = oldest.next) oldest.abandon();
  }

  close(): void {
    for (const origin of [...this.#byOrigin.keys()]) this.forget(origin);
  }
}
