import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from './eventually.ts';
import type { Order, Report } from './member.ts';

const ports: [string, number][] = ['a', 'b', 'c'].map((id, at) => [id, 17220 + at]);

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

  get leads(): boolean {
    return this.reports.some(({ kind }) => kind === 'leading');
  }

  acknowledged(): string[] {
    return this.reports.flatMap((report) =>
      report.kind === 'settled' && report.outcome === 'applied' ? [report.text] : [],
    );
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

let dataDir: string;
let members: Member[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tutti-members-'));
});

afterEach(async () => {
  await Promise.all(
    members.filter(({ child }) => child.exitCode === null && child.signalCode === null).map((m) => m.kill()),
  );
  members = [];
  await rm(dataDir, { recursive: true });
});

describe('three processes', () => {
  it('lose nothing that was acknowledged when their leader is killed, elect another, and take the dead one back', async () => {
    members = ports.map(([id]) => new Member(id));
    const first = await eventually('a leader', () => members.find(({ leads }) => leads));
    // Before all are bound, the death of one can leave too few whose votes count (the design's rule for founding).
    await expect.poll(async () => (await first.state()).unmet, { timeout: 10_000 }).toBe(0);
    for (let at = 0; at < 100; at++) first.tell({ kind: 'propose', text: `first ${at}` });
    await eventually('some acknowledgements', () => first.acknowledged().length >= 20);
    const killedMs = performance.now();
    await first.kill();
    const survivors = members.filter((member) => member !== first);
    const second = await eventually('another leader', () => survivors.find(({ leads }) => leads));
    const failoverMs = performance.now() - killedMs;
    // Two rounds of the longest election timeout, and room for a machine that runs other tests.
    expect(failoverMs).toBeLessThan(3_000);

    second.tell({ kind: 'propose', text: 'after' });
    await eventually('its acknowledgement', () => second.acknowledged().includes('after'));
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
    await expect.poll(async () => (await first.state()).unmet, { timeout: 10_000 }).toBe(0);
    first.child.kill('SIGSTOP');
    const others = members.filter((member) => member !== first);
    const second = await eventually('another leader', () => others.find(({ leads }) => leads));
    second.tell({ kind: 'propose', text: 'new' });
    await eventually('its acknowledgement', () => second.acknowledged().includes('new'));
    // Both wait for the paused process: its first act awake is to be asked as if it still led.
    first.tell({ kind: 'propose', text: 'stale' });
    first.child.kill('SIGCONT');
    const settled = await eventually('the outcome of the stale proposal', () =>
      first.reports.find((report) => report.kind === 'settled'),
    );
    expect(['NOT_LEADER', 'OUTCOME_UNKNOWN']).toContain(settled.outcome);
    await expect
      .poll(() => Promise.all(members.map((member) => member.applied())), { timeout: 10_000 })
      .toEqual([['new'], ['new'], ['new']]);
  });
});
