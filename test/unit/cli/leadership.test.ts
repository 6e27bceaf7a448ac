import { describe, expect, it } from 'vitest';
import { Leadership } from '../../../node/src/cli/leadership.ts';
import { noMajority } from '../../../node/src/lib/no-majority.ts';

type Health = Parameters<Leadership['seen']>[0][number];
const says = (node_id: string, leader_id: string | null, term = 1, reasons: readonly string[] = []): Health => ({
  node_id,
  leader_id,
  term,
  problems: reasons.map((reason) => ({ address: '', reason })),
});
const lost = `${noMajority}: 2 of 3 members must vote, and only "a" can`;

describe('what is said of the leader', () => {
  it('is nothing while one leads, nor before the first was seen', () => {
    const leadership = new Leadership();
    expect(leadership.seen([], 0)).toBeNull();
    expect(leadership.seen([says('a', null)], 1)).toBeNull();
    expect(leadership.seen([says('a', 'b')], 2)).toBeNull();
    expect(leadership.seen([says('b', 'b'), says('a', 'b')], 3)).toBeNull();
  });

  it('is that there is none, once, then that there are too few for one, then who leads and for how long nobody did', () => {
    const leadership = new Leadership();
    leadership.seen([says('a', 'b')], 0);
    const none = 'no leader is known to a, c; until there is one, load goes on up to the horizon only';
    expect(leadership.seen([says('c', null), says('a', null)], 1_000)).toBe(none);
    expect(leadership.seen([says('a', null), says('c', null)], 1_500)).toBeNull();
    const alone = says('a', null, 1, ['another problem', `${lost}; not reached: "b", "c"; start enough of them again`]);
    expect(leadership.seen([alone], 2_000)).toBe(
      `${lost}; not reached: "b", "c"; until there is one, load goes on up to the horizon only`,
    );
    expect(leadership.seen([], 2_500)).toMatch(/^none of the given nodes answers/);
    expect(leadership.seen([says('a', 'b', 2)], 5_200)).toBe('b leads, after 4.2 s without a leader');
    expect(leadership.seen([says('a', 'b', 2)], 5_700)).toBeNull();
  });

  it('is who took over where nobody saw the election, whatever a node of an earlier term still believes', () => {
    const leadership = new Leadership();
    leadership.seen([says('a', 'a')], 0);
    expect(leadership.seen([says('a', 'a', 1), says('b', 'c', 2)], 500)).toBe('c leads now, in place of a');
    expect(leadership.seen([says('a', 'a', 2), says('b', null, 3)], 900)).toMatch(/^no leader is known to a, b/);
  });
});
