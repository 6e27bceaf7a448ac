import type { Plan } from '../../plan/plan.ts';
import { invariant } from '../../lib/invariant.ts';
import { tableAt } from '../schedule/stripes.ts';
import type { GeneratorShare, StripeTable } from '../schedule/types.ts';
import { usersOf } from '../schedule/users.ts';
import type { Limits, LoadDriver, LoadSink } from './load-driver.ts';

interface User {
  readonly user: number;
  iterations: number;
  isBusy: boolean;
  isOwn: boolean;
  /** Run time at which its next iteration is due. */
  dueMs: number;
}

/**
 * Virtual users, each starting its next iteration when the last one has ended, before the horizon only. A table assigns them:
 * who moves away finishes the iteration under way here and starts afresh there.
 */
export class ClosedLoad implements LoadDriver {
  readonly #count: number;
  readonly #share: GeneratorShare;
  readonly #sink: LoadSink;
  readonly #joinedMs: number;
  #tables: readonly StripeTable[] = [];
  #table: StripeTable | null = null;
  /** Own ones, and those that have moved away with an iteration still under way. */
  readonly #users = new Map<number, User>();
  #ready: User[] = [];
  #isHeld = false;

  /** Users whose table began before `joinedMs` are due then. */
  constructor(plan: Plan, share: GeneratorShare, sink: LoadSink, joinedMs: number) {
    invariant(plan.workers !== null, 'a closed load model needs its number of users');
    this.#count = plan.workers;
    this.#share = share;
    this.#sink = sink;
    this.#joinedMs = joinedMs;
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#tables = tables;
  }

  pump(runMs: number, limits: Limits): number {
    this.#followTable(runMs);
    const wasHeld = this.#isHeld;
    this.#isHeld = runMs >= Math.min(limits.horizonMs, limits.endMs);
    if (!this.#isHeld) {
      // Those that become ready meanwhile (a request that cannot even be built) wait for the next pump: no endless loop.
      const ready = this.#ready;
      this.#ready = [];
      if (ready.length > 0) this.#sink.reached(wasHeld ? runMs : ready[0]!.dueMs);
      // A user held up by the horizon is planned for now: it waited by our order, not because anything was slow.
      for (const user of ready) if (user.isOwn) this.#start(user, wasHeld ? runMs : user.dueMs);
    }
    return Math.min(runMs, limits.horizonMs >= limits.endMs ? Infinity : limits.horizonMs);
  }

  nextDueMs(limits: Limits): number {
    const nextTable = this.#tables.find(({ fromMs }) => fromMs > (this.#table?.fromMs ?? -Infinity));
    const readyMs = this.#isHeld ? Infinity : (this.#ready[0]?.dueMs ?? Infinity);
    const soonest = Math.min(nextTable?.fromMs ?? Infinity, readyMs);
    return soonest < Math.min(limits.horizonMs, limits.endMs) ? soonest : Infinity;
  }

  ended(user: number, runMs: number): boolean {
    const ended = this.#users.get(user);
    invariant(ended?.isBusy === true, `user ${user} has ended an iteration it never began`);
    ended.isBusy = false;
    ended.dueMs = runMs;
    if (ended.isOwn) this.#ready.push(ended);
    else this.#users.delete(user);
    return ended.isOwn;
  }

  settleRest(): void {
    // A closed model plans nothing ahead, so nothing is left undecided.
  }

  #start(user: User, plannedMs: number): void {
    user.isBusy = true;
    const iteration = user.iterations++;
    this.#sink.fire({ key: keyOf(user.user, iteration), iteration, user: user.user, plannedMs });
  }

  #followTable(runMs: number): void {
    const table = tableAt(this.#tables, runMs);
    if (table === this.#table || table === null) return;
    this.#table = table;
    for (const user of this.#users.values()) user.isOwn = false;
    for (const number of usersOf(table, this.#count, this.#share)) {
      const known = this.#users.get(number);
      if (known !== undefined) known.isOwn = true;
      else this.#admit(number, Math.max(table.fromMs, this.#joinedMs));
    }
    for (const user of this.#users.values()) if (!user.isOwn && !user.isBusy) this.#users.delete(user.user);
  }

  #admit(number: number, dueMs: number): void {
    const user = { user: number, iterations: 0, isBusy: false, isOwn: true, dueMs };
    this.#users.set(number, user);
    this.#ready.push(user);
  }
}

/** A number for each iteration of each user, by which its scenario is chosen; users are below 2^20 (plan/limits.ts). */
function keyOf(user: number, iteration: number): number {
  return iteration * 2 ** 20 + user;
}
