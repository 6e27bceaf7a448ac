import type { RunReport } from '../../../../node/src/results/report.ts';
import type { NodeOutputs, StackOutputs } from '../../outputs.ts';
import type { Machine } from '../google/compute.ts';
import type { StoredObject } from '../google/storage.ts';
import type { ClusterWord } from '../reach/cluster.ts';

/** What Compute Engine, the buckets and, where there is a way to it, the cluster say of a stack, each for itself. */
export interface Said {
  readonly outputs: StackOutputs;
  readonly machines: readonly Machine[];
  /** What was done last to machines that do not run, by the name of the machine. */
  readonly lastOperations: ReadonlyMap<string, string>;
  /** The cluster's own word, or why there is none. */
  readonly cluster: ClusterWord | { readonly unknown: string };
  readonly plan: StoredObject | null;
  readonly resultCount: number;
  readonly newest: { readonly name: string; readonly report: RunReport } | null;
}

export interface NodeStatus {
  readonly id: string;
  readonly zone: string;
  readonly instance: string;
  /** As Compute Engine has it; MISSING: it has no such machine. */
  readonly machine: string;
  /** What is to be known about that: until when it runs, why it does not. */
  readonly remark: string | null;
  /** As the cluster sees it; null: it was not asked. */
  readonly inCluster: 'leader' | 'connected' | 'not connected' | 'not met' | null;
  readonly reason: string | null;
}

export interface CloudStatus {
  readonly stack: string;
  readonly project: string;
  readonly nodes: readonly NodeStatus[];
  /** Null: nobody was reached; `unknown` says why. */
  readonly cluster: {
    readonly formed: boolean;
    readonly leader: string | null;
    readonly term: number;
    readonly asked: string;
    readonly problems: readonly string[];
  } | null;
  readonly unknown: string | null;
  readonly run: ClusterWord['run'];
  /** The plan in its bucket as it is submitted: gs://bucket/object#generation. */
  readonly plan: { readonly submission: string; readonly updated: string; readonly hasResult: boolean } | null;
  readonly results: {
    readonly bucket: string;
    readonly count: number;
    readonly newest: { readonly name: string; readonly verdict: string; readonly submission: string | null } | null;
  };
}

/** Joins what they say. Pure. */
export function joinStatus(said: Said): CloudStatus {
  const { outputs, cluster, plan, newest } = said;
  const word = 'unknown' in cluster ? null : cluster;
  const submission = plan === null ? null : `${outputs.plan}#${plan.generation}`;
  const newestSubmission = newest?.report.run.submission ?? null;
  return {
    stack: outputs.stack,
    project: outputs.project,
    nodes: outputs.nodes.map((node) => ({ ...ofMachine(node, said), ...ofMember(node, word) })),
    cluster:
      word === null
        ? null
        : {
            formed: word.health.cluster_formed,
            leader: word.health.leader_id,
            term: word.health.term,
            asked: word.health.node_id,
            problems: word.health.problems.map(({ address, reason }) => `${address}: ${reason}`),
          },
    unknown: 'unknown' in cluster ? cluster.unknown : null,
    run: word?.run ?? null,
    plan:
      submission === null ? null : { submission, updated: plan!.updated, hasResult: newestSubmission === submission },
    results: {
      bucket: outputs.results,
      count: said.resultCount,
      newest:
        newest === null
          ? null
          : { name: newest.name, verdict: newest.report.verdict.kind, submission: newestSubmission },
    },
  };
}

function ofMachine(
  { id, zone, instance }: NodeOutputs,
  { machines, lastOperations }: Said,
): Omit<NodeStatus, 'inCluster' | 'reason'> {
  const machine = machines.find(({ name }) => name === instance);
  if (machine === undefined)
    return {
      id,
      zone,
      instance,
      machine: 'MISSING',
      remark: 'deleted by hand? `pulumi refresh` in infra, then scripts/cloud up',
    };
  const remark = machine.status === 'RUNNING' ? untilWhen(machine) : whyStopped(machine, lastOperations.get(instance));
  return { id, zone, instance, machine: machine.status, remark };
}

/** `maxRunDuration` is stopped to within half a minute; a machine takes up to two to stop. */
const slackMs = 180_000;

function untilWhen({ startedAt, maxRunSecs }: Machine): string | null {
  if (startedAt === null || maxRunSecs === null) return null;
  return `until ${new Date(Date.parse(startedAt) + maxRunSecs * 1000).toISOString()}`;
}

/** Only the end of a machine's time is not among its operations, so that is told by the clock. */
function whyStopped({ status, startedAt, stoppedAt, maxRunSecs }: Machine, last: string | undefined): string | null {
  if (status !== 'TERMINATED' && status !== 'STOPPING' && status !== 'STOPPED') return null;
  if (last?.includes('preempted') === true) return 'preempted by Google';
  if (last?.includes('hostError') === true) return 'its host failed';
  if (startedAt !== null && stoppedAt !== null && maxRunSecs !== null) {
    const overMs = Date.parse(stoppedAt) - Date.parse(startedAt) - maxRunSecs * 1000;
    if (Math.abs(overMs) <= slackMs)
      return 'stopped itself after tutti:runtime.maxRunHours; scripts/cloud up starts it again';
  }
  return last === undefined ? null : `last operation: ${last}`;
}

function ofMember({ id }: NodeOutputs, word: ClusterWord | null): Pick<NodeStatus, 'inCluster' | 'reason'> {
  if (word === null) return { inCluster: null, reason: null };
  if (word.health.leader_id === id) return { inCluster: 'leader', reason: null };
  const member = word.health.members.find((one) => one.id === id);
  if (member === undefined) return { inCluster: 'not met', reason: null };
  return { inCluster: member.connected ? 'connected' : 'not connected', reason: member.reason };
}
