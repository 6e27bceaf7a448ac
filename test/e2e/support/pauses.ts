import type { ForeignLoad } from './foreign-load.ts';
import type { Pause } from './standstill.ts';

export interface Arrival {
  readonly number: number;
  /** CLOCK_MONOTONIC. */
  readonly atMs: number;
}

/** Two arrivals that follow each other, and what happened to the machine in between. */
export interface Gap {
  readonly survivor: number;
  readonly fromMs: number;
  readonly gapMs: number;
  /** What an idle process of normal priority lost in it, or the target, whose clock this is. */
  readonly machineLostMs: number;
  /** The share of the machine that processes took which are none of ours. */
  readonly foreignShare: number;
}

/** The gaps between the arrivals of one survivor, longest first. Each by itself: in a pause of one the others go on. */
export function gapsOf(
  survivor: number,
  arrivals: readonly Arrival[],
  witness: readonly (readonly Pause[])[],
  foreign: ForeignLoad,
): Gap[] {
  return arrivals
    .slice(1)
    .map(({ atMs }, index) => ({ fromMs: arrivals[index]!.atMs, gapMs: atMs - arrivals[index]!.atMs }))
    .sort((a, b) => b.gapMs - a.gapMs)
    .slice(0, 100)
    .map(({ fromMs, gapMs }) => ({
      ...{ survivor, fromMs, gapMs },
      machineLostMs: lostBetween(witness, fromMs, fromMs + gapMs),
      foreignShare: foreign.shareAround(fromMs, fromMs + gapMs),
    }));
}

/** What the witness that lost most lost between two instants, in milliseconds. */
export function lostBetween(witnesses: readonly (readonly Pause[])[], fromMs: number, toMs: number): number {
  const lost = witnesses.map((pauses) =>
    pauses
      .filter((pause) => pause.atMs >= fromMs && pause.atMs - pause.lostMs <= toMs)
      .reduce((sum, pause) => sum + pause.lostMs, 0),
  );
  return Math.max(0, ...lost);
}
