import { decodeMembership } from './membership.ts';
import type { Entry, Membership, SnapshotMetadata } from './types.ts';

/**
 * The memberships in the log, in order. The newest one counts from the moment it is appended, committed or not, and the one
 * before it counts again when it is truncated (Raft thesis 4.1; raft.md M2, M8). What a snapshot knows replaces what was before it.
 */
export class MembershipHistory {
  readonly #entries: { readonly index: number; readonly membership: Membership }[] = [];

  /** Of a log whose beginning is in `snapshot`; `entries` are those behind it. */
  static recovered(snapshot: SnapshotMetadata | null, entries: readonly Entry[]): MembershipHistory {
    const history = new MembershipHistory();
    if (snapshot !== null) history.reset(snapshot);
    history.append(entries.filter(({ index }) => index > (snapshot?.index ?? 0)));
    return history;
  }

  get current(): Membership | null {
    return this.#entries.at(-1)?.membership ?? null;
  }

  /** Index of the entry that holds the current membership; 0 before the founding. */
  get index(): number {
    return this.#entries.at(-1)?.index ?? 0;
  }

  /** Whether any of those that are known, the ones before the current one included, is as `judge` says. */
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

  /** The newest one that the log held at `index`; null before the founding. */
  at(index: number): { readonly index: number; readonly membership: Membership } | null {
    return this.#entries.findLast((entry) => entry.index <= index) ?? null;
  }

  /** The snapshot's is the only one that is known now (raft.md S10). */
  reset({ membership, membershipIndex }: SnapshotMetadata): boolean {
    const isNews = this.index !== membershipIndex;
    this.#entries.splice(0, Infinity, { index: membershipIndex, membership });
    return isNews;
  }

  /** Forgets those that a newer one has replaced for good, since `index` is committed. */
  compact(index: number): void {
    const replaced = this.#entries.findLastIndex((entry) => entry.index <= index);
    if (replaced > 0) this.#entries.splice(0, replaced);
  }

  truncateFrom(index: number): boolean {
    const before = this.index;
    while (this.index >= index && this.#entries.length > 0) this.#entries.pop();
    return this.index !== before;
  }
}
