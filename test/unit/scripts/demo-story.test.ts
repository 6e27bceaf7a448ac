import { describe, expect, it } from 'vitest';
import { LeaderStory, lossSentence } from '../../../scripts/lib/demo-story.ts';

describe('what the demo tells', () => {
  it('is every change of the leader, once, so that nobody wonders who was killed', () => {
    const story = new LeaderStory();
    const seen = [
      { leader_id: 'c', term: 1 },
      { leader_id: 'c', term: 1 },
      { leader_id: null, term: 2 },
      { leader_id: 'b', term: 2 },
      { leader_id: 'c', term: 1 },
    ].map((health) => story.seen(health));
    expect(seen).toEqual(['c was elected leader (term 1)', null, null, 'b leads now, in place of c (term 2)', null]);
  });

  it('is what the killed node had sent and could not hand in, and what nobody sent', () => {
    expect(lossSentence('a', 10_040, { fromMs: 9_000, toMs: 11_400, arrivals: 48 })).toBe(
      'Missing is the share of a from 9.0 s to 11.4 s (48 iterations), named above. Up to about 10.0 s, when it was killed, ' +
        'a had sent it, but what it measured died with it; from then up to the horizon at 11.4 s, where the others took it over, nobody sent it.',
    );
    expect(lossSentence('a', 9_960, { fromMs: 10_000, toMs: 11_400, arrivals: null })).toBe(
      'Missing is the share of a from 10.0 s to 11.4 s, named above. a was killed at about 10.0 s; ' +
        'from then up to the horizon at 11.4 s, where the others took it over, nobody sent it.',
    );
  });
});
