import { describe, expect, it } from 'vitest';
import type { TuttiError } from '../../../node/src/lib/errors.ts';
import { checkFinished } from './checks.ts';
import { SourcedCluster } from './shared-source.ts';
import { closedPlanText, planText } from './simulated-cluster.ts';

/** Not only in its load. */
const otherPlan = (ratePerSecond: number, seconds: number): string =>
  planText(ratePerSecond, seconds).replace('path: /', 'path: /other');

const wrongPlan = 'version: "1.0"\nload: 7\n';

describe('a source that all nodes share', () => {
  it('is read by the leader alone, once, and its plan is run', async () => {
    const cluster = new SourcedCluster();
    cluster.source.put(planText(50, 3));
    expect(await cluster.sim.untilOver()).toBe(true);
    checkFinished(cluster.sim);
    expect(cluster.source.reads).toHaveLength(1);
    expect(cluster.problems()).toEqual([null, null, null]);
  });

  it('a leader that dies after the fetch has a successor that neither fetches again nor begins the run anew', async () => {
    const cluster = new SourcedCluster();
    cluster.source.put(planText(50, 6));
    const { sim } = cluster;
    expect(await sim.until(() => (sim.runMs() ?? -1) > 1_000)).toBe(true);
    const { id: runId } = cluster.state().run!;
    const [leader] = cluster.source.reads;
    cluster.source.put(planText(10, 1));
    cluster.kill(leader!);
    expect(await sim.untilOver()).toBe(true);
    expect([...sim.nodes.keys()].map((id) => sim.run(id)?.id)).toEqual([runId, runId]);
    await sim.until(() => false, 60_000);
    expect(cluster.source.reads).toHaveLength(1);
    expect(sim.leader()!.consensus.replicated.state().run!.id).toBe(runId);
  });

  it('a plan that is wrong begins nothing, no election either; every node says why; it is read again after pauses that grow', async () => {
    const cluster = new SourcedCluster();
    const { sim, source } = cluster;
    source.put(wrongPlan);
    await sim.until(() => source.reads.length === 1);
    const { term } = sim.leader()!.consensus.status();
    await sim.until(() => false, 60_000);
    expect(cluster.state().run).toBe(null);
    expect(sim.leader()!.consensus.status().term).toBe(term);
    expect(new Set(source.reads)).toEqual(new Set([sim.leader()!.id]));
    for (const reason of cluster.problems()) expect(reason).toMatch(/consul-kv:k:2:7 load:/);
    // 1 + 2 + 4 + 8 + 16 + 30 s at most, half of it at least.
    expect(source.reads.length).toBeGreaterThanOrEqual(5);
    expect(source.reads.length).toBeLessThanOrEqual(9);
    const told = sim.lines.filter(({ level, message }) => level === 'error' && message.includes('no plan can be run'));
    expect(told).toHaveLength(1);
    source.put(planText(50, 2));
    expect(await sim.untilOver()).toBe(true);
    checkFinished(sim);
    expect(cluster.problems()).toEqual([null, null, null]);
  });

  it('a new leader goes on trying where the plan was never read', async () => {
    const cluster = new SourcedCluster();
    const { sim, source } = cluster;
    source.fail(true);
    await sim.until(() => source.reads.length === 2);
    const [first] = source.reads;
    cluster.kill(first!);
    await sim.until(() => source.reads.some((node) => node !== first));
    source.put(planText(50, 2));
    source.fail(false);
    expect(await sim.untilOver()).toBe(true);
    checkFinished(sim);
  });

  it('is read at once when somebody asks any node for it, who gets the answer', async () => {
    const cluster = new SourcedCluster();
    const { sim, source } = cluster;
    await sim.untilFormed();
    await sim.until(() => source.reads.length === 7);
    expect(await cluster.reload('n1')).toMatchObject({ code: 'SOURCE_FAILED' });
    source.put(wrongPlan);
    expect(await cluster.reload('n2')).toMatchObject({ code: 'PLAN_INVALID' });
    source.put(planText(50, 2));
    const answer = await cluster.reload('n0');
    const { runId } = answer as { readonly runId: string };
    expect(answer).toEqual({ runId, created: true, missing: [], waitsFor: null, changed: false });
    expect(await cluster.reload('n1')).toEqual({ runId, created: false, missing: [], waitsFor: null, changed: false });
    expect(await sim.untilOver()).toBe(true);
    expect(await cluster.reload('n1')).toMatchObject({ runId, created: false });
    checkFinished(sim);
  });

  it('is run at once when somebody asks, though the leader still waits for a member that is missing', async () => {
    const cluster = new SourcedCluster();
    const { sim, source } = cluster;
    cluster.kill('n2');
    source.put(planText(50, 2));
    expect(await sim.until(() => source.reads.length === 1)).toBe(true);
    const readAtMs = sim.world.nowMs;
    expect(await cluster.reload('n0')).toMatchObject({ waitsFor: null });
    // Nobody waits for it longer than a new leader does for any submission.
    expect(sim.world.nowMs - readAtMs).toBeLessThan(6_000);
    expect(cluster.state().run).not.toBe(null);
    expect(await sim.untilOver()).toBe(true);
    expect(checkFinished(sim).report.missing).toEqual(['n2']);
  });

  it('what fails when somebody asks begins nothing later, where the cluster has had its plan', async () => {
    const cluster = new SourcedCluster();
    const { sim, source } = cluster;
    source.put(planText(50, 2));
    expect(await sim.untilOver()).toBe(true);
    source.fail(true);
    expect(await cluster.reload('n1')).toMatchObject({ code: 'CONSUL_FAILED' });
    source.fail(false);
    source.put(planText(10, 1));
    const reads = source.reads.length;
    await sim.until(() => false, 60_000);
    expect(source.reads).toHaveLength(reads);
  });

  it('a follower that is given no plan says so once, with the reason of the leader', async () => {
    const cluster = new SourcedCluster();
    const { sim } = cluster;
    await sim.until(() => false, 100_000);
    const warned = sim.lines.filter(({ message }) => message.includes('has given this node no plan'));
    const { id: leader } = sim.leader()!;
    expect(warned.map(({ node }) => node).sort()).toEqual(['n0', 'n1', 'n2'].filter((id) => id !== leader));
    expect(warned[0]!.message).toMatch(new RegExp(`the leader ${leader} has given .* 30 s: there is no key k`));
  });

  it('exit: the process of the leader is to end with what is wrong', async () => {
    const errors: TuttiError[] = [];
    const cluster = new SourcedCluster({ onConfigError: (error) => errors.push(error) });
    await cluster.sim.until(() => false, 30_000);
    expect(errors.map(({ code }) => code)).toEqual(['SOURCE_FAILED']);
  });
});

describe('a source that is watched', () => {
  it('a changed plan is run, and one that is the same is not', async () => {
    const cluster = new SourcedCluster({ isWatched: true });
    const { sim, source } = cluster;
    await sim.untilFormed();
    source.put(planText(50, 2));
    expect(await sim.untilOver()).toBe(true);
    const first = cluster.state().run!.id;
    source.fail(true);
    await sim.until(() => cluster.problems().every((reason) => reason === 'Consul is away'));
    source.fail(false);
    await sim.until(() => cluster.problems().every((reason) => reason === null));
    expect(cluster.state().run!.id).toBe(first);
    source.put(planText(20, 2));
    expect(await sim.until(() => cluster.state().run!.id !== first)).toBe(true);
    expect(await sim.untilOver()).toBe(true);
  });

  it('a new leader waits for what comes after the plan that is known, and does not read that again', async () => {
    const cluster = new SourcedCluster({ isWatched: true });
    const { sim, source } = cluster;
    source.put(planText(50, 6));
    await sim.until(() => (sim.runMs() ?? -1) > 1_000);
    const [leader] = source.reads;
    expect(source.reads).toEqual([leader]);
    cluster.kill(leader!);
    expect(await sim.untilOver()).toBe(true);
    expect(source.reads).toEqual([leader]);
    source.put(planText(20, 1));
    expect(await sim.until(() => source.reads.length === 2)).toBe(true);
  });

  it('one that changes while a run is on is refused, aloud and for good, until somebody asks for it', async () => {
    const cluster = new SourcedCluster({ isWatched: true });
    const { sim, source } = cluster;
    await sim.untilFormed();
    source.put(planText(50, 5));
    await sim.until(() => (sim.runMs() ?? -1) > 1_000);
    const { id: runId } = cluster.state().run!;
    source.put(otherPlan(20, 2));
    await sim.until(() => cluster.problems().every((reason) => reason?.includes(`run ${runId} was on`) === true));
    expect(await sim.untilOver()).toBe(true);
    await sim.until(() => false, 60_000);
    expect(cluster.state().run!.id).toBe(runId);
    const answer = (await cluster.reload('n1')) as { readonly runId: string };
    expect(answer).toMatchObject({ created: true });
    expect(answer.runId).not.toBe(runId);
    expect(await sim.until(() => cluster.problems().every((reason) => reason === null))).toBe(true);
    expect(await cluster.reload('n2')).toMatchObject({ runId: answer.runId, created: false });
  });

  it.each([true, false])(
    'next: it is run when that run has ended, also by a leader that came in between (watched: %s)',
    async (isWatched) => {
      const cluster = new SourcedCluster({ isWatched, onReload: 'next' });
      const { sim, source } = cluster;
      source.put(planText(50, 6));
      await sim.until(() => (sim.runMs() ?? -1) > 1_000);
      const { id: runId } = cluster.state().run!;
      source.put(otherPlan(20, 2));
      if (!isWatched) expect(await cluster.reload('n1')).toMatchObject({ waitsFor: runId, created: false });
      await sim.until(() =>
        cluster.problems().every((reason) => reason?.includes(`until run ${runId} has ended`) === true),
      );
      cluster.kill(sim.leader()!.id);
      const isNext = (id: string): boolean => (sim.run(id)?.id ?? runId) !== runId;
      expect(await sim.until(() => [...sim.nodes.keys()].every(isNext))).toBe(true);
      expect(await sim.untilOver()).toBe(true);
      expect(cluster.problems()).toEqual([null, null]);
    },
  );
});

describe('a plan that changes in its load alone while a run is on', () => {
  it.each([true, false])('changes that run, from the horizon on, and is marked (watched: %s)', async (isWatched) => {
    const cluster = new SourcedCluster({ isWatched, onReload: 'next' });
    const { sim, source } = cluster;
    source.put(planText(50, 6));
    await sim.until(() => (sim.runMs() ?? -1) > 1_000);
    const { id: runId } = cluster.state().run!;
    source.put(planText(200, 4));
    if (!isWatched) expect(await cluster.reload('n1')).toMatchObject({ runId, created: false, changed: true });
    expect(await sim.untilOver()).toBe(true);
    const { run, report } = checkFinished(sim);
    expect(run.id).toBe(runId);
    expect(report.run.plannedDurationMs).toBe(4_000);
    expect(report.loadChanges).toMatchObject([{ ratePerSecond: 200, durationMs: 4_000 }]);
    const { fromMs } = report.loadChanges[0]!;
    expect(Math.abs(report.books.planned! - (fromMs * 50 + (4_000 - fromMs) * 200) / 1_000)).toBeLessThanOrEqual(1);
    expect(report.verdict.kind).toBe('valid');
    expect(cluster.problems()).toEqual([null, null, null]);
  });

  it('while it is prepared waits for the start, and changes it then', async () => {
    const cluster = new SourcedCluster({ isWatched: true });
    const { sim, source } = cluster;
    source.put(planText(50, 5));
    await sim.until(() => cluster.state().run?.phase.name === 'preparing');
    source.put(planText(10, 5));
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.loadChanges).toMatchObject([{ ratePerSecond: 10 }]);
  });

  it('to fewer users than there are nodes is refused, aloud and once', async () => {
    const cluster = new SourcedCluster({ isWatched: true });
    const { sim, source } = cluster;
    source.put(closedPlanText(9, 5));
    await sim.until(() => (sim.runMs() ?? -1) > 1_000);
    source.put(closedPlanText(2, 5));
    const isTold = (reason: string | null): boolean => reason?.includes('3 nodes cannot share workers: 2') === true;
    expect(await sim.until(() => cluster.problems().every(isTold))).toBe(true);
    expect(await sim.untilOver()).toBe(true);
    expect(checkFinished(sim).report.loadChanges).toEqual([]);
  });
});
