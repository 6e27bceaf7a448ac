import { describe, expect, it } from 'vitest';
import { slotOf } from '../../../node/src/cluster/state.ts';
import type { RunProgress, Submitted } from '../../../node/src/coordinator/service.ts';
import type { TuttiError } from '../../../node/src/lib/errors.ts';
import { arrivalTimeMs } from '../../../node/src/generator/schedule/arrivals.ts';
import { ownerOf } from '../../../node/src/generator/schedule/stripes.ts';
import { reportInput } from '../../../node/src/cluster/views.ts';
import { buildReport, exitCodeOf } from '../../../node/src/results/build-report.ts';
import type { RunReport } from '../../../node/src/results/report.ts';
import { checkFinished } from './checks.ts';
import { closedPlanText, others, planText, runningAt, SimulatedCluster } from './simulated-cluster.ts';

const horizonMs = 1_500;

describe('the leader is killed in mid-run', () => {
  it.each([1, 2, 3, 4, 5])(
    'costs its own stripe, for the horizon plus 300 ms at most, and interrupts nobody (seed %i)',
    async (seed) => {
      const sim = await runningAt(4_000 + 37 * seed, { seed });
      const dead = sim.leader()!;
      const killedAtMs = sim.runMs()!;
      sim.kill(dead.id);
      expect(await sim.untilOver()).toBe(true);
      const { run, report } = checkFinished(sim);
      const planned = Array.from({ length: report.books.planned! }, (_, arrival) => arrival);
      for (const arrival of planned.filter((each) => !sim.witness.firedBy.has(each))) {
        expect(ownerOf(run.tables, run.plan.load, arrival)).toBe(slotOf(dead.self));
        const atMs = arrivalTimeMs(run.plan.load, arrival);
        // The generator's own tick may lie before the kill.
        expect(atMs).toBeGreaterThan(killedAtMs - 100);
        expect(atMs).toBeLessThan(killedAtMs + horizonMs + 300);
      }
      const lost = report.nodes.filter((node) => node.state === 'lost');
      expect(lost.map((node) => node.node)).toEqual([dead.id]);
      expect(report.verdict.kind).toBe('degraded');
      expect(report.stripeChanges[0]!.reason).toBe(`${dead.id} is gone`);
    },
  );
});

describe('the majority is lost in mid-run', () => {
  it.each([1, 2, 3, 4, 5])('and the report says from when to when, and how much was due (seed %i)', async (seed) => {
    const sim = await runningAt(3_000, { seed, seconds: 14 });
    for (const id of sim.nodes.keys()) sim.cluster.cutOff(id);
    const cutMs = sim.runMs()!;
    const horizonsMs = [...sim.nodes.keys()].map((id) => sim.run(id)!.horizonMs);
    await sim.until(() => sim.runMs()! >= 9_000);
    for (const id of sim.nodes.keys()) sim.cluster.heal(id);
    const healedMs = sim.runMs()!;
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    const [span, ...more] = report.withoutMajority;
    expect(more).toEqual([]);
    expect(Math.abs(span!.agreedMs - cutMs)).toBeLessThan(400);
    expect(span!.fromMs).toBeGreaterThanOrEqual(Math.max(...horizonsMs) - 400);
    expect(span!.fromMs).toBeLessThan(cutMs + horizonMs + 400);
    expect(span!.toMs).toBeGreaterThanOrEqual(healedMs - 20);
    expect(span!.toMs).toBeLessThan(healedMs + 2_000);
    const { load } = sim.run('n0')!.plan;
    const fired = [...sim.witness.firedBy.keys()].map((arrival) => arrivalTimeMs(load, arrival));
    // What it says of the load is what the target saw.
    expect(fired.filter((ms) => ms >= span!.fromMs && ms < span!.toMs)).toEqual([]);
    expect(report.books.notFired).toBeGreaterThanOrEqual(span!.arrivals!);
    expect(report.verdict.reasons[0]).toContain('no leader with a majority of the nodes');
  });

  it('says nothing of it when an election was shorter than the horizon', async () => {
    const sim = await runningAt(4_000);
    sim.cluster.depose();
    expect(await sim.untilOver()).toBe(true);
    expect(checkFinished(sim).report.withoutMajority).toEqual([]);
  });
});

describe('a closed model while nobody leads', () => {
  it.each([1, 2, 3, 4, 5])(
    'books the time for which its users were held back, once, over all leaders; a long one is in the verdict (seed %i)',
    async (seed) => {
      const sim = new SimulatedCluster(seed, 3);
      await sim.untilFormed();
      await sim.submit(closedPlanText(6, 12));
      await sim.until(() => (sim.runMs() ?? -1) >= 3_000);
      sim.cluster.depose();
      await sim.until(() => sim.runMs()! >= 4_500);
      for (const id of sim.nodes.keys()) sim.cluster.cutOff(id);
      const horizonsMs = [...sim.nodes.keys()].map((id) => sim.run(id)!.horizonMs);
      await sim.until(() => sim.runMs()! >= 9_000);
      for (const id of sim.nodes.keys()) sim.cluster.heal(id);
      const healedMs = sim.runMs()!;
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      const { heldUserMs } = report.books;
      // An iteration takes 300 ms at most, and an election and its first horizon less than two seconds.
      expect(heldUserMs).toBeGreaterThan(6 * (healedMs - Math.max(...horizonsMs) - 300));
      expect(heldUserMs).toBeLessThan(6 * (healedMs + 2_000 - Math.min(...horizonsMs)));
      expect(report.verdict.kind).toBe('degraded');
      const heldBack = report.verdict.reasons.find((reason) => reason.startsWith('users were held back'))!;
      for (const id of sim.nodes.keys()) expect(heldBack).toContain(`${id}: `);
    },
  );

  it('books nothing while it is led', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    await sim.submit(closedPlanText(6, 5));
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.books.fired).toBeGreaterThan(100);
    expect(report.books.heldUserMs).toBeLessThan(30);
    expect(report.verdict).toEqual({ kind: 'valid', reasons: [] });
  });
});

describe('a node that does not hear of the cluster', () => {
  it('stops at the horizon it knows though its generators go on, and its stripe goes to the others', async () => {
    const sim = await runningAt(3_000);
    const victim = others(sim, sim.leader()!.id)[0]!;
    const slot = slotOf(sim.nodes.get(victim)!.self);
    const knownMs = sim.run(victim)!.horizonMs;
    sim.pause(victim);
    await sim.until(() => sim.run(sim.leader()?.id ?? '')?.phase.name === 'draining');
    const { load } = sim.run(victim)!.plan;
    const fired = [...sim.witness.firedBy].filter(([, slots]) => slots[0] === slot).map(([arrival]) => arrival);
    expect(Math.max(...fired.map((arrival) => arrivalTimeMs(load, arrival)))).toBeLessThan(knownMs);
    expect(Math.max(...fired.map((arrival) => arrivalTimeMs(load, arrival)))).toBeGreaterThan(knownMs - 100);
    sim.resume(victim);
    expect(await sim.untilOver()).toBe(true);
    checkFinished(sim);
  });

  it('takes its part again once it is back and has shown that it stays', async () => {
    const sim = await runningAt(2_000);
    const victim = others(sim, sim.leader()!.id)[0]!;
    sim.cluster.cutOff(victim);
    sim.world.after(1_500, () => sim.cluster.heal(victim));
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.stripeChanges.map((change) => change.reason)).toEqual([`${victim} is gone`, `${victim} joined`]);
    expect(report.books.lost).toBe(0);
  });

  it('was the leader: what it still proposes is refused, and the run goes on under another', async () => {
    const sim = await runningAt(3_000);
    const old = sim.leader()!;
    sim.cluster.cutOff(old.id);
    await sim.until(() => sim.leader() !== null && sim.leader() !== old);
    sim.world.after(2_000, () => sim.cluster.heal(old.id));
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.nodes.every((node) => node.state === 'finished')).toBe(true);
  });
});

describe('a node whose generators have all died', () => {
  it.each([1, 2, 3, 4, 5])(
    'says so even with nothing left to report, and its stripe goes to the others (seed %i)',
    async (seed) => {
      const sim = await runningAt(3_000, { seed, seconds: 12 });
      const victim = sim.nodes.get(others(sim, sim.leader()!.id)[0]!)!;
      const counted = (): number =>
        sim.run(victim.id)!.agents.find((each) => slotOf(each.agent) === slotOf(victim.self))!.lastInterval;
      // All its intervals are in: no further one will come to say how many generators are left.
      await sim.until(() => sim.runMs()! >= 4_000 && counted() === 3);
      const diedAtMs = sim.runMs()!;
      for (const index of [0, 1]) victim.generators!.killGenerator(index);
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      expect(report.stripeChanges.map((change) => change.reason)).toEqual([`${victim.id} has no generator left`]);
      expect(report.stripeChanges[0]!.fromMs).toBeLessThan(diedAtMs + horizonMs + 500);
    },
  );
});

describe('a node that starts again in mid-run', () => {
  it('is another agent: it joins late by asking for the run time, and the report shows both', async () => {
    const sim = await runningAt(2_000, { seconds: 12 });
    const victim = others(sim, sim.leader()!.id)[0]!;
    const before = slotOf(sim.nodes.get(victim)!.self);
    sim.kill(victim);
    sim.world.after(1_000, () => sim.boot(victim));
    expect(await sim.untilOver()).toBe(true);
    const { run, report } = checkFinished(sim);
    const after = slotOf(sim.nodes.get(victim)!.self);
    expect(after).not.toBe(before);
    expect(run.tables.at(-1)!.slots).toContain(after);
    expect(run.tables.at(-1)!.slots).not.toContain(before);
    expect(
      report.nodes
        .filter((node) => node.node === victim)
        .map((node) => node.state)
        .sort(),
    ).toEqual(['finished', 'lost']);
    expect([...sim.witness.firedBy.values()].flat()).toContain(after);
  });

  it('with all others at once: nobody knows when the run began, and it is aborted saying so', async () => {
    const sim = await runningAt(2_000, { seconds: 60 });
    const ids = [...sim.nodes.keys()];
    for (const id of ids) sim.kill(id);
    for (const id of ids) sim.boot(id);
    await sim.untilFormed();
    const { runs } = sim.nodes.get('n0')!.runtime;
    const seen: { progress?: RunProgress; report?: RunReport } = {};
    void runs.progress().then((progress) => (seen.progress = progress));
    void runs.report().then((report) => (seen.report = report));
    await sim.until(() => seen.progress !== undefined && seen.report !== undefined);
    expect(seen.progress).toMatchObject({ state: 'running', nodesFiring: 0, iterationsPerSecond: 0 });
    expect(seen.report!.verdict).toMatchObject({
      kind: 'degraded',
      reasons: [expect.stringContaining('no node sends')],
    });
    expect(await sim.untilOver()).toBe(true);
    const run = sim.run('n0')!;
    expect(run.phase).toMatchObject({ name: 'aborted', reason: 'no node that is left knows when the run began' });
    const { books, nodes } = buildReport(reportInput(run));
    expect(books).toMatchObject({ planned: 3_000, balanced: true });
    expect(books.lost).toBe(3_000 - books.fired - books.dropped - books.notFired);
    expect(nodes.map((node) => node.lost?.toMs)).toEqual([60_000, 60_000, 60_000]);
    expect(sim.bugs).toEqual([]);
  });
});

describe('a run that is submitted while the cluster still comes together', () => {
  it.each([1, 2, 3, 4, 5])(
    'waits a moment for the rest of the list, on whichever node it came (seed %i)',
    async (seed) => {
      const sim = new SimulatedCluster(seed, 3);
      sim.cluster.cutOff('n2');
      sim.world.after(3_500, () => sim.cluster.heal('n2'));
      // Asked of a follower, it outlasts the time after which one asks the leader again.
      await sim.until(() => sim.leader() !== null);
      await sim.submit(planText(50, 3), others(sim, sim.leader()!.id)[0]);
      expect(await sim.untilOver()).toBe(true);
      const { run, report } = checkFinished(sim);
      expect(run.tables[0]!.slots).toHaveLength(3);
      expect(report.missing).toEqual([]);
    },
  );

  it('goes on without who is not there by then, and the answer, the log and the report say who', async () => {
    const sim = new SimulatedCluster(1, 3);
    sim.cluster.cutOff('n2');
    const answers: Submitted[] = [];
    const submit = (): void => {
      const submission = { planText: planText(50, 3), submissionId: 'the same' };
      void sim.nodes
        .get('n0')!
        .runtime.runs.submit(submission)
        .then((answer) => answers.push(answer));
    };
    submit();
    expect(await sim.until(() => answers.length === 1)).toBe(true);
    expect(answers[0]).toMatchObject({ created: true, missing: ['n2'] });
    expect(sim.world.nowMs).toBeLessThan(7_000);
    sim.world.after(1_000, () => sim.cluster.heal('n2'));
    expect(await sim.untilOver()).toBe(true);
    const { report } = checkFinished(sim);
    expect(report.missing).toEqual(['n2']);
    expect(sim.lines.find((line) => line.message.startsWith('goes on without'))!.fields).toMatchObject({
      missing: ['n2'],
    });
    submit();
    expect(await sim.until(() => answers.length === 2)).toBe(true);
    expect(answers[1]).toEqual({ runId: answers[0]!.runId, created: false, missing: [] });
  });
});

describe('the service on any node', () => {
  it('stops a run that has not begun: it is aborted, and for whoever waits it was stopped', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    await sim.submit(planText(50, 5));
    sim.nodes
      .get('n0')!
      .runtime.runs.stop({ tenant: null, runId: null })
      .catch((error: unknown) => sim.bugs.push(error));
    expect(await sim.untilOver()).toBe(true);
    expect(sim.bugs).toEqual([]);
    const report = buildReport(reportInput(sim.run('n0')!));
    expect(report.run).toMatchObject({ state: 'aborted', ended: 'stopped' });
    const books = { planned: 250, notFired: 250, balanced: true };
    expect(report).toMatchObject({ verdict: { kind: 'aborted', reasons: ['it was stopped'] }, books });
    expect(exitCodeOf(report)).toBe(105);
    expect(sim.witness.firedBy.size).toBe(0);
    await sim.until(() => false, 1_000);
    expect(sim.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5])(
    'stops a run whose instant has come as a running one, though the log does not say so yet (seed %i)',
    async (seed) => {
      const sim = new SimulatedCluster(seed, 3);
      await sim.untilFormed();
      await sim.submit(planText(50, 5));
      const leader = sim.leader()!;
      await sim.until(() => sim.run(leader.id)?.phase.name === 'scheduled');
      sim.cluster.maxCommitMs = 500;
      await sim.until(() => leader.runtime.runMs(sim.run(leader.id)!.id)! >= 0);
      expect(sim.run(leader.id)!.phase.name).toBe('scheduled');
      const stopped = leader.runtime.runs.stop({ tenant: null, runId: null });
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      expect((await stopped).runId).toBe(report.run.id);
      expect(report.run.ended).toBe('stopped');
      expect(report.books.fired).toBeGreaterThan(0);
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'stops a run whose instant is about to come: whatever is fired all the same is counted (seed %i)',
    async (seed) => {
      const sim = new SimulatedCluster(seed, 3);
      await sim.untilFormed();
      await sim.submit(planText(200, 5));
      const leader = sim.leader()!;
      const phase = (): string => sim.run(leader.id)!.phase.name;
      await sim.until(() => phase() === 'scheduled');
      sim.cluster.maxCommitMs = 100;
      await sim.until(() => leader.runtime.runMs(sim.run(leader.id)!.id)! >= -10 * seed);
      expect(phase()).toBe('scheduled');
      const stopped = leader.runtime.runs.stop({ tenant: null, runId: null });
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      expect((await stopped).runId).toBe(report.run.id);
      expect(report.run.ended).toBe('stopped');
      // The horizon may be moved once before the stop is in.
      expect(report.run.durationMs).toBeLessThan(horizonMs + 250);
      expect(report.books.fired).toBe(sim.witness.firedBy.size);
    },
  );

  it('stops the run at the horizon as it stood, so that every node ends at the same arrival', async () => {
    const sim = await runningAt(3_000);
    const follower = others(sim, sim.leader()!.id)[0]!;
    const stopped = sim.nodes.get(follower)!.runtime.runs.stop({ tenant: null, runId: null });
    expect(await sim.untilOver()).toBe(true);
    const { run, report } = checkFinished(sim);
    expect((await stopped).runId).toBe(run.id);
    expect(report.run.ended).toBe('stopped');
    expect(report.run.durationMs).toBeLessThan(3_000 + horizonMs + 600);
    expect(report.books.notFired + report.books.lost).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'stops no earlier than a horizon that is on its way to be committed (seed %i)',
    async (seed) => {
      const sim = await runningAt(2_000 + 41 * seed, { seed });
      // Far: the next horizon is proposed as soon as the last one is in.
      sim.cluster.maxCommitMs = 500;
      await sim.until(() => sim.runMs()! >= 3_500 + 97 * seed);
      const stopped = sim.leader()!.runtime.runs.stop({ tenant: null, runId: null });
      expect(await sim.untilOver()).toBe(true);
      // That the stop lies at or beyond every horizon is among the checks.
      const { report } = checkFinished(sim);
      expect((await stopped).runId).toBe(report.run.id);
      expect(report.run.ended).toBe('stopped');
    },
  );

  it('takes the same submission twice as one run, and refuses another while it is on', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    const outcomes: unknown[] = [];
    const submit = (node: string, submissionId: string): void => {
      const { runs } = sim.nodes.get(node)!.runtime;
      runs.submit({ planText: planText(50, 3), submissionId }).then(
        (answer) => outcomes.push(answer.created),
        (error: unknown) => outcomes.push((error as TuttiError).code),
      );
    };
    submit('n0', 'same');
    await sim.until(() => outcomes.length === 1);
    submit('n1', 'same');
    await sim.until(() => outcomes.length === 2);
    submit('n2', 'other');
    await sim.until(() => outcomes.length === 3);
    expect(outcomes).toEqual([true, false, 'RUN_IN_PROGRESS']);
    expect(await sim.untilOver()).toBe(true);
    checkFinished(sim);
  });

  it('refuses a plan that is wrong before it comes to the log', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    const entries = sim.cluster.log.length;
    await expect(sim.submit('version: "1.0"\nload: 7\n', 'n1')).rejects.toMatchObject({ code: 'PLAN_INVALID' });
    expect([sim.cluster.log.length, sim.run('n0')]).toEqual([entries, null]);
  });

  it('says NO_LEADER after ten seconds instead of hanging', async () => {
    const sim = new SimulatedCluster(1, 3);
    await sim.untilFormed();
    for (const id of others(sim, 'n0')) sim.kill(id);
    sim.cluster.cutOff('n0');
    await sim.until(() => sim.leader() === null);
    let code: string | null = null;
    sim.nodes
      .get('n0')!
      .runtime.runs.progress()
      .catch((error: unknown) => (code = (error as TuttiError).code));
    const askedAtMs = sim.world.nowMs;
    await sim.until(() => code !== null);
    expect(code).toBe('NO_LEADER');
    expect(sim.world.nowMs - askedAtMs).toBeLessThan(10_500);
  });
});

describe('a quorum that comes back long after the end of the plan', () => {
  it.each([1, 2, 3, 4, 5])(
    'settles the run: what the nodes kept is counted, what nobody knows is named (seed %i)',
    async (seed) => {
      const sim = await runningAt(3_000, { seed, seconds: 6 });
      const ids = [...sim.nodes.keys()];
      for (const id of ids) sim.cluster.cutOff(id);
      // Past the minute after which nodes end their generators and write down what they hold.
      expect(await sim.until(() => sim.unsent.length === ids.length, 200_000)).toBe(true);
      for (const id of ids) sim.cluster.heal(id);
      expect(await sim.untilOver()).toBe(true);
      const { report } = checkFinished(sim);
      expect(report.run.ended).toBe('completed');
      // What was fired up to the horizon was kept by its node, to the last arrival.
      expect(report.books.fired).toBe(sim.witness.firedBy.size);
      expect(report.books.lost).toBeGreaterThan(0);
      expect(report.verdict.kind).toBe('degraded');
      expect(report.nodes.map((node) => node.state)).toEqual(['lost', 'lost', 'lost']);
    },
  );
});

describe('a quorum that never comes back', () => {
  it('lets the last node stop at its horizon, write what it holds a minute after the plan’s end, and say so', async () => {
    const sim = await runningAt(3_000, { seconds: 5 });
    const survivor = sim.leader()!.id;
    for (const id of others(sim, survivor)) sim.kill(id);
    sim.cluster.cutOff(survivor);
    expect(await sim.until(() => sim.unsent.length > 0, 200_000)).toBe(true);
    const kept = JSON.parse(sim.unsent[0]!.text) as { run: string; cuts: { number: number; final: boolean }[] };
    expect(kept.run).toBe(sim.run(survivor)!.id);
    const counted = sim.run(survivor)!.agents.find((each) => each.agent.node === survivor)!.lastInterval;
    const seconds = kept.cuts.map((cut) => cut.number);
    expect(seconds).toEqual(seconds.map((_, position) => counted + 1 + position));
    expect(seconds.length).toBeGreaterThan(60);
    expect(kept.cuts.some((cut) => cut.final)).toBe(false);
    expect(sim.lines.some((line) => line.level === 'error' && line.message.includes('no quorum'))).toBe(true);
  });
});
