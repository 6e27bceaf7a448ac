import { attributeLastsMs, watchAttribute } from '../gce/watch.ts';
import type { Clock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import { isSameList, type ListedMember, type MemberList, type MemberListOptions } from './member-list.ts';

/** The attribute that holds the list; it changes in place when nodes come and go. */
export const listAttribute = 'cluster-nodes';

export interface AttributeListOptions extends MemberListOptions {
  /** host[:port] of the metadata server. */
  readonly host: string;
  /** The text as a list, in one order. Throws SETTINGS_INVALID. */
  readonly parse: (text: string) => readonly ListedMember[];
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The list in an attribute of this machine. What is there but is no list changes nothing: the last one that was read holds. */
export function watchListAttribute(options: AttributeListOptions): MemberList {
  const { host, parse, clock, random, onChange, onFailure } = options;
  let known: readonly ListedMember[] | null = null;
  let readMs = -Infinity;
  let problem: TuttiError | null = null;
  const failed = (error: TuttiError): void => {
    problem = error;
    onFailure(error);
  };
  const take = (text: string): void => {
    const members = parse(text);
    problem = null;
    readMs = clock.nowMs();
    const isNews = !isSameList(known, members);
    known = members;
    if (isNews) onChange();
  };
  const end = watchAttribute({
    ...{ host, name: listAttribute, clock, random },
    onValue: (text) => {
      try {
        if (text === null) throw new TuttiError('METADATA_FAILED', `this machine has no attribute ${listAttribute}`);
        take(text);
      } catch (thrown) {
        failed(TuttiError.from(thrown));
      }
    },
    onFailure: failed,
  });
  return {
    members: () => known,
    isFresh: () => clock.nowMs() - readMs < attributeLastsMs,
    problem: () => problem?.message ?? null,
    close: end,
  };
}
