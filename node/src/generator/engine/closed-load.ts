import type { Plan } from '../../plan/plan.ts';
import { invariant } from '../../lib/invariant.ts';
import type { GeneratorShare, StripeTable } from '../schedule/types.ts';
import { boundOf, termsAt } from '../schedule/course.ts';
import { usersOf } from '../schedule/users.ts';
import type { Limits, LoadDriver, LoadSink } from './load-driver.ts';

/** After a hold all are due at once, and the answers that came meanwhile must be read in between. */
const maxStartsPerPump = 500;

interface User {
  readonly user: number;
  iterations: number;
  isBusy: boolean;
  isOwn: boolean;
  /** Run time at which its next iteration is due: what it starts later, by our order, it was held back. */
  dueMs: number;
}

/**
 * Virtual users, each starting its next iteration when the last one has ended, before the horizon only. A table assigns them:
 * who moves away finishes the iteration under way here and starts afresh there.
 */
export class ClosedLoad implements LoadDriver {
  readonly #plan: Plan;
  readonly #share: GeneratorShare;
  readonly #sink: LoadSink;
  readonly #joinedMs: number;
  #tables: readonly StripeTable[] = [];
  /** Tables whose time has come. */
  #followed = 0;
  /** Own ones, and those that have moved away with an iteration still under way. */
  readonly #users = new Map<number, User>();
  #ready: User[] = [];
  #isHeld = false;

  /** Users whose table began before `joinedMs` start then. */
  constructor(plan: Plan, share: GeneratorShare, sink: LoadSink, joinedMs: number) {
    invariant(plan.workers !== null, 'a closed load model needs its number of users');
    this.#plan = plan;
    this.#share = share;
    this.#sink = sink;
    this.#joinedMs = joinedMs;
  }

  setTables(tables: readonly StripeTable[]): void {
    this.#tables = tables;
  }

  pump(runMs: number, limits: Limits): number {
    this.#followTables(runMs);
    const wasHeld = this.#isHeld;
    this.#isHeld = runMs >= Math.min(limits.horizonMs, limits.endMs);
    if (!this.#isHeld) {
      // A user held up by the horizon is planned for now: it waited by our order, not because anything was slow.
      if (wasHeld) for (const user of this.#ready) this.#release(user, runMs);
      // Those that become ready meanwhile (a request that cannot even be built) wait for the next pump: no endless loop.
      const ready = this.#ready.splice(0, maxStartsPerPump);
      if (ready.length > 0) this.#sink.reached(Math.max(ready[0]!.dueMs, this.#joinedMs));
      for (const user of ready) if (user.isOwn) this.#start(user);
      if (this.#ready.length > 0) return Math.min(runMs, this.#ready[0]!.dueMs);
    }
    return Math.min(runMs, limits.horizonMs >= limits.endMs ? Infinity : limits.horizonMs);
  }

  nextDueMs(limits: Limits): number {
    const tableMs = this.#tables[this.#followed]?.fromMs ?? Infinity;
    const readyMs = this.#isHeld ? Infinity : (this.#ready[0]?.dueMs ?? Infinity);
    const soonest = Math.min(tableMs, readyMs);
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

  /** A closed model plans nothing ahead; what is left is the time of those who were held back to the end. */
  settleRest(endMs: number): void {
    for (const user of this.#ready) if (user.isOwn) this.#held(user, endMs);
  }

  #held(user: User, untilMs: number): void {
    if (untilMs > user.dueMs) this.#sink.held(untilMs - user.dueMs);
  }

  #release(user: User, runMs: number): void {
    if (user.isOwn) this.#held(user, runMs);
    user.dueMs = runMs;
  }

  #start(user: User): void {
    if (user.dueMs < this.#joinedMs) this.#release(user, this.#joinedMs);
    const plannedMs = user.dueMs;
    user.isBusy = true;
    const iteration = user.iterations++;
    this.#sink.fire({ key: keyOf(user.user, iteration), iteration, user: user.user, plannedMs });
  }

  /** One after the other, however many were heard at once: whose time a user's was in between is booked by them. */
  #followTables(runMs: number): void {
    let table = this.#tables[this.#followed];
    for (; table !== undefined && table.fromMs <= runMs; table = this.#tables[this.#followed]) {
      const count = boundOf(termsAt(this.#plan, this.#tables, this.#followed));
      this.#followed++;
      this.#follow(table, count);
    }
  }

  #follow(table: StripeTable, count: number): void {
    for (const user of this.#users.values()) user.isOwn = false;
    for (const number of usersOf(table, count, this.#share)) {
      const known = this.#users.get(number);
      if (known !== undefined) known.isOwn = true;
      else this.#admit(number, table.fromMs);
    }
    for (const user of this.#users.values()) {
      if (user.isOwn || user.isBusy) continue;
      this.#held(user, table.fromMs);
      this.#users.delete(user.user);
    }
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
