import { setTimeout as pause } from 'node:timers/promises';
import type { FaultRecord } from './history.ts';
import { alone, companions } from './nemeses/all.ts';
import type { Battlefield, Nemesis } from './nemesis.ts';

/** How often links are cut while something else goes wrong too. */
const companionChance = 0.3;
const maxQuietMs = 2_000;
/** A fault near the end is cut short to what is left, but not below what it takes to have an effect. */
const minDurationMs = 2_000;

export interface Campaign {
  /** Every one of them has its turn before any has its next. */
  readonly nemeses: readonly Nemesis[];
  readonly seconds: number;
  readonly nowNs: () => number;
  /** True once there is no point in going on: a client has met what no node should ever answer. */
  readonly isOver: () => boolean;
  /** Called when all is healed: resolves when the cluster serves again, rejects if it does not come to it. */
  readonly recovered: (healedNs: number) => Promise<void>;
  readonly onFault: (fault: FaultRecord) => void;
}

/** One round of faults after another, drawn from the seed, until the time is up and each kind has had its turn. Rejects with what `recovered` rejects with. */
export async function fight(field: Battlefield, campaign: Campaign): Promise<void> {
  const { random } = field;
  const { nemeses, seconds, nowNs, isOver, recovered } = campaign;
  const leftMs = (): number => seconds * 1_000 - nowNs() / 1e6;
  const allowed = companions.filter((nemesis) => nemeses.includes(nemesis));
  let deck: Nemesis[] = [];
  for (let turns = 0; (turns < nemeses.length || leftMs() > 0) && !isOver(); turns++) {
    if (deck.length === 0) deck = random.shuffled(nemeses);
    const first = deck.pop()!;
    const mayHaveCompanion = allowed.length > 0 && !companions.includes(first) && !alone.includes(first);
    const round = mayHaveCompanion && random.chance(companionChance) ? [first, random.pick(allowed)] : [first];
    await Promise.all(round.map((nemesis) => strike(field, nemesis, campaign, leftMs)));
    await recovered(nowNs());
    await pause(random.between(0, maxQuietMs));
  }
}

async function strike(
  field: Battlefield,
  nemesis: Nemesis,
  { nowNs, onFault }: Campaign,
  leftMs: () => number,
): Promise<void> {
  const startNs = nowNs();
  const fault = await nemesis.begin(field);
  await pause(Math.min(fault.durationMs, Math.max(leftMs(), minDurationMs)));
  await fault.heal();
  onFault({ kind: nemesis.kind, what: fault.what, startNs, endNs: nowNs() });
}
