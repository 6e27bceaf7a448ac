import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { monotonicNowMs } from './helpers.ts';

const sampleEveryMs = 500;
/** USER_HZ: the same on every Linux that Node.js runs on. */
const ticksPerSecond = 100;

interface Usage {
  readonly startTime: string;
  readonly parent: number;
  /** Of the process and of its children that have ended, in ticks. */
  readonly ticks: number;
}

interface Sample {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of all processors; 1: others took the whole machine. */
  readonly share: number;
  readonly ownShare: number;
}

/**
 * Watches how much of the machine processes that are none of ours take: what the system counts as used, less what this process's
 * parent (the test runner) and everything below it used. Linux alone tells.
 */
export class ForeignLoad {
  readonly #samples: Sample[] = [];
  #ours = new Map<number, Usage>();
  #busyTicks = 0;
  #atMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#measure();
    this.#samples.length = 0;
    this.#timer = setInterval(() => this.#measure(), sampleEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#measure();
  }

  /** The share of the machine that others took from a moment before to a moment after; instants of the monotonic clock. */
  shareAround(fromMs: number, toMs: number): number {
    const isNear = (sample: Sample): boolean =>
      sample.toMs >= fromMs - sampleEveryMs && sample.fromMs <= toMs + sampleEveryMs;
    return mean(this.#samples.filter(isNear), ({ share }) => share);
  }

  /** Over all the time that was watched. */
  get share(): number {
    return mean(this.#samples, ({ share }) => share);
  }

  get ownShare(): number {
    return mean(this.#samples, ({ ownShare }) => ownShare);
  }

  #measure(): void {
    const before = this.#ours;
    const all = usages();
    this.#ours = ours(all, before);
    const toMs = monotonicNowMs();
    const busyTicks = busyTicksOfMachine();
    const own = usedBetween(before, this.#ours);
    const foreign = busyTicks - this.#busyTicks - own;
    const machineTicks = ((toMs - this.#atMs) / 1000) * ticksPerSecond * cpus().length;
    const share = Math.max(0, foreign / machineTicks);
    this.#samples.push({ fromMs: this.#atMs, toMs, share, ownShare: own / machineTicks });
    this.#busyTicks = busyTicks;
    this.#atMs = toMs;
  }
}

function mean(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const spanMs = samples.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  return samples.reduce((sum, sample) => sum + value(sample) * (sample.toMs - sample.fromMs), 0) / spanMs;
}

/** Interrupts are left out: what loopback costs there is charged to no process. Time stolen by other machines is foreign, too. */
function busyTicksOfMachine(): number {
  const [user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n')[0]!
    .split(/ +/)
    .slice(1)
    .map(Number);
  return user! + nice! + system! + steal!;
}

function usages(): Map<number, Usage> {
  const found = new Map<number, Usage>();
  for (const name of readdirSync('/proc')) {
    const usage = /^\d+$/.test(name) ? usageOf(name) : null;
    if (usage !== null) found.set(Number(name), usage);
  }
  return found;
}

function usageOf(pid: string): Usage | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // Ended since the directory was read.
    return null;
  }
  // The name in parentheses may hold spaces; the fields behind it begin with the third (proc_pid_stat(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { startTime: fields[19]!, parent: Number(fields[1]), ticks };
}

/** The runner and what descends from it; a generator whose node was killed has another parent now, and stays ours. */
function ours(all: ReadonlyMap<number, Usage>, before: ReadonlyMap<number, Usage>): Map<number, Usage> {
  const isOurs = (pid: number, depth = 0): boolean => {
    const usage = all.get(pid);
    if (usage === undefined || depth > 32) return false;
    if (pid === process.ppid || before.get(pid)?.startTime === usage.startTime) return true;
    return isOurs(usage.parent, depth + 1);
  };
  return new Map([...all].filter(([pid]) => isOurs(pid)));
}

function usedBetween(before: ReadonlyMap<number, Usage>, after: ReadonlyMap<number, Usage>): number {
  let ticks = 0;
  for (const [pid, usage] of after) ticks += usage.ticks - (before.get(pid)?.ticks ?? 0);
  for (const [pid, usage] of before) {
    // Whoever waited for it has all its time now, also what was counted before.
    if (!after.has(pid) && after.has(usage.parent)) ticks -= usage.ticks;
  }
  return ticks;
}
