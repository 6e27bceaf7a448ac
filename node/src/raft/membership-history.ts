import { decodeMembership } from './membership.ts';
import type { Entry, Membership } from './types.ts';

/**
 * The memberships in the log, in order. The newest one counts from the moment it is appended, committed or not, and the one
 * before it counts again when it is truncated (Raft thesis 4.1; raft.md M2, M8).
 */
export class MembershipHistory {
  readonly #entries: { readonly index: number; readonly membership: Membership }[] = [];

  get current(): Membership | null {
    return this.#entries.at(-1)?.membership ?? null;
  }

  /** Index of the entry that holds the current membership; 0 before the founding. */
  get index(): number {
    return this.#entries.at(-1)?.index ?? 0;
  }

  /** Whether any of them, the ones before the current one included, is as `judge` says. */
  some(judge: (membership: Membership) => boolean): boolean {
    return this.#entries.some(({ membership }) => judge(membership));
  }

  /** Returns whether one of the entries changed the membership. */
  append(entries: readonly Entry[]): boolean {
    const before = this.index;
    for (const { kind, index, data } of entries) {
      if (kind === 'membership') this.#entries.push({ index, membership: decodeMembership(data) });
    }
    return this.index !== before;
  }

  truncateFrom(index: number): boolean {
    const before = this.index;
    while (this.index >= index && this.#entries.length > 0) this.#entries.pop();
    return this.index !== before;
  }
}
