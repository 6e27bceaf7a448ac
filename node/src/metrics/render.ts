import { Counter, Gauge, Registry } from 'prom-client';
import type { Percentiles, RunReport, StepReport } from '../results/report.ts';

/** What a node says of its part in the cluster. */
export interface ClusterFigures {
  readonly nodeId: string;
  readonly region: string;
  readonly state: string;
  readonly isLeader: boolean;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Voters and learners, listed ones that nobody has met yet included; 0 before there is a cluster. */
  readonly members: number;
  readonly connectedPeers: number;
}

/**
 * Prometheus text of a run (merged over the cluster, so the same on every node) and of this node. Built anew for each
 * scrape from the report: there is no second set of counters that could disagree with it.
 */
export async function renderMetrics(
  report: RunReport | null,
  cluster: ClusterFigures | null,
): Promise<{ contentType: string; text: string }> {
  const registry = new Registry();
  if (report !== null) addRun(registry, report);
  if (cluster !== null) addCluster(registry, cluster);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

function addRun(registry: Registry, report: RunReport): void {
  const run = { run_id: report.run.id, tenant: report.run.tenant ?? '' };
  const counter = counters(registry, Object.keys(run));
  const requests = counter('requests_total', 'Requests that ended', ['region', 'scenario', 'step']);
  const failed = counter('requests_failed_total', 'Requests that did not count as a success', [
    'region',
    'scenario',
    'step',
  ]);
  const resent = counter('requests_resent_total', 'Requests sent again: the target had closed the kept connection', [
    'region',
    'scenario',
    'step',
  ]);
  const statuses = counter('requests_status_codes_total', 'Responses by status code', [
    'region',
    'scenario',
    'step',
    'status_code',
  ]);
  const errors = counter('request_errors_by_category', 'Failed requests by cause', [
    'region',
    'scenario',
    'step',
    'category',
  ]);
  const executions = counter('scenario_executions_total', 'Iterations that ended', ['region', 'scenario', 'status']);
  for (const { region, scenarios } of report.regions) {
    for (const scenario of scenarios) {
      executions.inc({ ...run, region, scenario: scenario.name, status: 'success' }, scenario.succeeded);
      executions.inc({ ...run, region, scenario: scenario.name, status: 'failed' }, scenario.failed);
      for (const step of scenario.steps) {
        const labels = { ...run, region, scenario: scenario.name, step: step.name };
        requests.inc(labels, step.requests);
        failed.inc(labels, step.failed);
        resent.inc(labels, step.resent);
        for (const [code, count] of Object.entries(step.statuses))
          statuses.inc({ ...labels, status_code: code }, count);
        for (const [category, count] of Object.entries(step.errors)) errors.inc({ ...labels, category }, count);
      }
    }
  }
  const iterations = counter('iterations_total', 'Planned iterations by what became of them (the books)', ['outcome']);
  for (const outcome of ['fired', 'dropped', 'notFired', 'lost', 'answered', 'failed'] as const) {
    iterations.inc({ ...run, outcome }, report.books[outcome]);
  }
  const held = counter(
    'users_held_seconds_total',
    'Time for which users were held back, all together (concurrent)',
    [],
  );
  held.inc(run, report.books.heldUserMs / 1_000);
  addDurations(registry, report, run);
}

function addDurations(registry: Registry, report: RunReport, run: Record<string, string>): void {
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({
      name: `tutti_${name}`,
      help,
      labelNames: [...Object.keys(run), 'scenario', 'step', 'quantile'],
      registers: [registry],
    });
  const series: readonly (readonly [Gauge, (step: StepReport) => Percentiles])[] = [
    [
      gauge('response_seconds', 'From the planned start to the last byte, merged over the cluster'),
      (step) => step.response,
    ],
    [gauge('service_seconds', 'From the send to the last byte'), (step) => step.service],
    [gauge('lateness_seconds', 'From the planned start to the send'), (step) => step.lateness],
  ];
  for (const scenario of report.scenarios) {
    for (const step of scenario.steps) {
      for (const [metric, percentilesOf] of series) {
        const percentiles = percentilesOf(step);
        if (percentiles.count === 0) continue;
        const labels = { ...run, scenario: scenario.name, step: step.name };
        metric.set({ ...labels, quantile: '0.5' }, percentiles.p50 / 1000);
        metric.set({ ...labels, quantile: '0.95' }, percentiles.p95 / 1000);
        metric.set({ ...labels, quantile: '0.99' }, percentiles.p99 / 1000);
        metric.set({ ...labels, quantile: '1' }, percentiles.max / 1000);
      }
    }
  }
}

function addCluster(registry: Registry, cluster: ClusterFigures): void {
  const labels = { node_id: cluster.nodeId, region: cluster.region };
  const gauge = (name: string, help: string, value: number, extra: Record<string, string> = {}): void => {
    const all = { ...labels, ...extra };
    new Gauge({ name: `tutti_${name}`, help, labelNames: Object.keys(all), registers: [registry] }).set(all, value);
  };
  gauge('cluster_node_info', 'Always 1; the state is a label', 1, { state: cluster.state });
  gauge('raft_is_leader', '1 on the leader', cluster.isLeader ? 1 : 0);
  gauge('raft_term', 'Current term', cluster.term);
  gauge('raft_commit_index', 'Last committed entry', cluster.commitIndex);
  gauge('raft_applied_index', 'Last applied entry', cluster.appliedIndex);
  gauge('cluster_members', 'Members of the cluster as this node knows it, itself included', cluster.members);
  gauge('cluster_connected_peers', 'Other members with an open connection', cluster.connectedPeers);
}

function counters(
  registry: Registry,
  common: readonly string[],
): (name: string, help: string, labels: readonly string[]) => Counter {
  return (name, help, labels) =>
    new Counter({ name: `tutti_${name}`, help, labelNames: [...common, ...labels], registers: [registry] });
}
