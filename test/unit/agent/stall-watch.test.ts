import { describe, expect, it } from 'vitest';
import { StallWatch } from '../../../node/src/agent/stall-watch.ts';

describe('the watch over generators', () => {
  it('names one whose cuts are due and do not come, and not its siblings', () => {
    const watch = new StallWatch(2, 0, 3);
    const named: number[][] = [];
    for (let second = 1; second <= 8; second++) {
      watch.heard(0, second - 1);
      if (second <= 3) watch.heard(1, second - 1);
      named.push([...watch.look(second * 1_000)]);
    }
    expect(named).toEqual([[], [], [], [], [], [], [1], [1]]);
  });

  it('expects nothing beyond the horizon, and nothing before it began', () => {
    const watch = new StallWatch(1, 40, 1);
    for (let look = 0; look < 50; look++) expect(watch.look(41_999)).toEqual([]);
    expect(watch.look(42_000)).toEqual([0]);
  });

  it('counts one look for a pause of its own, however long, and forgives what comes after it', () => {
    const watch = new StallWatch(1, 0, 2);
    expect(watch.look(600_000)).toEqual([]);
    watch.heard(0, 0);
    expect(watch.look(601_000)).toEqual([]);
    expect(watch.look(602_000)).toEqual([0]);
  });
});
