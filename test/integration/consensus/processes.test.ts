import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { portsOf } from '../../support/ports.ts';
import { eventually } from './eventually.ts';
import type { Order, Report } from './member.ts';

let ports: [string, number][];

/** One member in its own process, as seen over its channel. */
class Member {
  readonly id: string;
  readonly child: ChildProcess;
  readonly reports: Report[] = [];

  constructor(id: string) {
    this.id = id;
    this.child = fork(join(import.meta.dirname, 'member.ts'), { execArgv: [] });
    this.child.on('message', (report: Report) => this.reports.push(report));
    this.tell({ kind: 'open', id, dataDir: join(dataDir, id), ports });
  }

  tell(order: Order): void {
    this.child.send(order);
  }

  /** By the last that it said of it: on a machine that is busy the leadership may pass on at any time. */
  get leads(): boolean {
    return this.reports.findLast(({ kind }) => kind === 'leading' || kind === 'leadsNoMore')?.kind === 'leading';
  }

  outcomeOf(text: string): string | undefined {
    return this.#settled().find((report) => report.text === text)?.outcome;
  }

  acknowledged(): string[] {
    return this.#settled().flatMap(({ text, outcome }) => (outcome === 'applied' ? [text] : []));
  }

  #settled(): readonly (Report & { readonly kind: 'settled' })[] {
    return this.reports.filter((report) => report.kind === 'settled');
  }

  async state(): Promise<Report & { readonly kind: 'state' }> {
    const before = this.reports.length;
    this.tell({ kind: 'report' });
    return eventually(`the state of ${this.id}`, () =>
      this.reports.slice(before).find((report) => report.kind === 'state'),
    );
  }

  async applied(): Promise<readonly string[]> {
    return (await this.state()).applied;
  }

  /** Closes the member and returns the exit code of its process. */
  async end(): Promise<unknown> {
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    return ((await gone) as unknown[])[0];
  }

  async kill(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}

/** Has whoever of these leads take a command, by another text each time that the leadership has passed on meanwhile. */
async function taken(candidates: readonly Member[], text: string): Promise<{ by: Member; text: string }> {
  for (let attempt = 1; ; attempt += 1) {
    const by = await eventually('a leader to propose to', () => candidates.find(({ leads }) => leads));
    const attempted = `${text} ${attempt}`;
    by.tell({ kind: 'propose', text: attempted });
    const outcome = await eventually(`what became of "${attempted}"`, () => by.outcomeOf(attempted));
    if (outcome === 'applied') return { by, text: attempted };
    expect(['NOT_LEADER', 'BUSY', 'OUTCOME_UNKNOWN']).toContain(outcome);
  }
}

let dataDir: string;
let members: Member[] = [];

beforeEach(async () => {
  ports = [...(await portsOf('a', 'b', 'c'))];
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-members-'));
});

afterEach(async () => {
  await Promise.all(
    members.filter(({ child }) => child.exitCode === null && child.signalCode === null).map((m) => m.kill()),
  );
  members = [];
  await rm(dataDir, { recursive: true });
});

/**
 * Before all are bound, the loss of one can leave too few whose votes count (the design's rule for founding). Not only the leader has
 * to know: whoever lacks the entry takes the third for unmet still, and elects nobody with it.
 */
async function allBound(): Promise<void> {
  const unmet = (): Promise<(number | null)[]> =>
    Promise.all(members.map(async (member) => (await member.state()).unmet));
  await expect.poll(unmet, { timeout: 10_000 }).toEqual([0, 0, 0]);
}

describe('three processes', () => {
  it('lose nothing that was acknowledged when their leader is killed, elect another, and take the dead one back', async () => {
    members = ports.map(([id]) => new Member(id));
    const first = await eventually('a leader', () => members.find(({ leads }) => leads));
    await allBound();
    for (let at = 0; at < 100; at++) first.tell({ kind: 'propose', text: `first ${at}` });
    await eventually('some acknowledgements', () => first.acknowledged().length >= 20);
    const killedMs = performance.now();
    await first.kill();
    const survivors = members.filter((member) => member !== first);
    await eventually('another leader', () => survivors.find(({ leads }) => leads));
    const failoverMs = performance.now() - killedMs;
    // Two rounds of the longest election timeout, and room for a machine that runs other tests.
    expect(failoverMs).toBeLessThan(3_000);

    const { by: second } = await taken(survivors, 'after');
    const history = await second.applied();
    expect(history.filter((text) => first.acknowledged().includes(text))).toEqual(first.acknowledged());
    expect(new Set(history).size).toBe(history.length);

    const returned = new Member(first.id);
    members.push(returned);
    const caughtUp = [...survivors, returned];
    await expect
      .poll(() => Promise.all(caughtUp.map((member) => member.applied())), { timeout: 10_000 })
      .toEqual([history, history, history]);
    expect(await Promise.all(caughtUp.map((member) => member.end()))).toEqual([0, 0, 0]);
  });

  it('a leader that was paused past its time wakes up, accepts nothing and follows (L9)', async () => {
    members = ports.map(([id]) => new Member(id));
    const first = await eventually('a leader', () => members.find(({ leads }) => leads));
    await allBound();
    first.child.kill('SIGSTOP');
    const others = members.filter((member) => member !== first);
    const fresh = await taken(others, 'new');
    // Both wait for the paused process: its first act awake is to be asked as if it still led.
    first.tell({ kind: 'propose', text: 'stale' });
    first.child.kill('SIGCONT');
    const outcome = await eventually('the outcome of the stale proposal', () => first.outcomeOf('stale'));
    expect(['NOT_LEADER', 'OUTCOME_UNKNOWN']).toContain(outcome);
    const histories = (): Promise<(readonly string[])[]> => Promise.all(members.map((member) => member.applied()));
    await expect
      .poll(
        async () => {
          const all = await histories();
          return all.every((one) => one.includes(fresh.text)) && new Set(all.map((one) => one.join())).size;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
    for (const history of await histories()) expect(history).not.toContain('stale');
  });
});
