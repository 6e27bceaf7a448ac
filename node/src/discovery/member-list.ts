import type { TuttiError } from '../lib/errors.ts';

/** Who is to be a member, and where: a list as somebody outside the cluster keeps it. */
export interface ListedMember {
  readonly id: string;
  /** host:port. */
  readonly address: string;
  readonly isLearner: boolean;
}

/** A list that may change, as far as this node knows it. */
export interface MemberList {
  /** Null: it was never read. */
  members(): readonly ListedMember[] | null;
  /** Whether it was read so lately that what it says counts against others. */
  isFresh(): boolean;
  /** Why it could not be read the last time; null: it could. */
  problem(): string | null;
  close(): void;
}

export interface MemberListOptions {
  readonly onChange: () => void;
  /** Each time it could not be read, or not understood. */
  readonly onFailure: (error: TuttiError) => void;
}

/** The list of a node that is told it once: it says who comes, and removes nobody, as it may be older than what has come since. */
export function fixedList(members: readonly ListedMember[]): MemberList {
  return { members: () => members, isFresh: () => false, problem: () => null, close: () => undefined };
}

export function isSameList(one: readonly ListedMember[] | null, other: readonly ListedMember[]): boolean {
  return one !== null && JSON.stringify(one) === JSON.stringify(other);
}
