import { describe, expect, it } from 'vitest';
import { customTimings, rungOf, timingsForRung, timingsProblem } from '../../../node/src/raft/timings.ts';
import { timingProfiles } from '../../../node/src/raft/types.ts';
import { Rig, sent, timings } from './rig.ts';

describe('timings', () => {
  it('of every profile, step of auto and valid custom setting let three heartbeats come before an election', () => {
    const all = [...Object.values(timingProfiles), ...[5, 10, 20, 40, 80, 160, 320, 640].map(timingsForRung)];
    for (const one of [...all, customTimings(20, 100)]) expect(timingsProblem(one)).toBeNull();
    expect(timingsProblem(customTimings(50, 149))).toMatch('less than 3 heartbeats of 50 ms');
    expect(timingsProblem({ ...timingProfiles.lan, electionTimeoutMaxMs: 150 })).toMatch('or votes split');
    expect(timingsProblem({ ...timingProfiles.lan, heartbeatMs: Number.NaN })).toMatch('above 0 ms');
  });

  it('by measurement are those of lan on a fast network, and never shorter', () => {
    expect(timingsForRung(rungOf(0))).toEqual(timingProfiles.lan);
    expect(timingsForRung(rungOf(4.9))).toEqual(timingProfiles.lan);
  });

  it('by measurement give an election ten round trips, up to a bound', () => {
    for (const roundTripMs of [1, 7, 33, 90, 250, 640]) {
      expect(timingsForRung(rungOf(roundTripMs)).electionTimeoutMinMs).toBeGreaterThanOrEqual(10 * roundTripMs);
    }
    expect(rungOf(1e9)).toBe(640);
    expect(rungOf(Infinity)).toBe(640);
  });

  it('of two nodes whose measurements differ by a factor of two differ by one step, in which neither deposes the other', () => {
    for (let roundTripMs = 1; roundTripMs < 640; roundTripMs *= 1.1) {
      const [far, near] = [rungOf(roundTripMs), rungOf(roundTripMs / 2)];
      expect(far / near).toBeLessThanOrEqual(2);
      expect(timingsForRung(near).electionTimeoutMinMs).toBeGreaterThanOrEqual(1.5 * timingsForRung(far).heartbeatMs);
    }
  });
});

describe('a change of timings', () => {
  const slow = timingsForRung(160);

  it('lengthens what a follower waits for, and shortens it', () => {
    const rig = new Rig();
    rig.heartbeat('n2', 1);
    rig.step({ kind: 'timings', timings: slow });
    expect(rig.core.deadlineMs() - rig.nowMs).toBeGreaterThanOrEqual(slow.electionTimeoutMinMs);
    rig.step({ kind: 'timings', timings });
    expect(rig.core.deadlineMs() - rig.nowMs).toBeLessThanOrEqual(timings.electionTimeoutMaxMs);
  });

  it('of a leader counts from the next heartbeat on, and for check-quorum at once', () => {
    const rig = new Rig();
    rig.lead();
    rig.step({ kind: 'timings', timings: slow });
    expect(rig.core.deadlineMs() - rig.nowMs).toBeLessThanOrEqual(timings.heartbeatMs);
    expect(sent(rig.tick(), 'heartbeat')).toHaveLength(2);
    expect(rig.core.deadlineMs() - rig.nowMs).toBe(slow.heartbeatMs);
    rig.nowMs += timings.electionTimeoutMaxMs;
    rig.step({ kind: 'tick' });
    expect(rig.status.role).toBe('leader');
  });
});
