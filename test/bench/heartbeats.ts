// What one heartbeat costs, and how that grows with the cluster: the consensus cores of 3 to 50 voters and the encoding of their
// messages, in one process on virtual time, without a network:
//   scripts/with-node test/bench/heartbeats.ts [simulated seconds, 60]
// Bytes are those of a frame, without what gRPC, TCP and TLS put around it. JSON on standard output.
import { performance } from 'node:perf_hooks';
import { encodeMembership, foundedBy } from '../../node/src/raft/membership.ts';
import type { Effects, RaftCore } from '../../node/src/raft/core.ts';
import type { Message } from '../../node/src/raft/messages.ts';
import { createRaft } from '../../node/src/raft/raft.ts';
import { timingProfiles } from '../../node/src/raft/types.ts';
import { decodeFrame, encodeFrame } from '../../node/src/transport/codec.ts';
import { defaultRaftLimits } from '../../node/src/consensus/options.ts';

const SIZES = [3, 5, 7, 13, 25, 50];
const HOP_MS = 1;
const ROUNDS = 3;
const timings = timingProfiles.lan;

const seconds = Number(process.argv[2] ?? 60);
if (!Number.isInteger(seconds) || seconds < 1) throw new Error('usage: heartbeats.ts [seconds, at least 1]');

interface Cost {
  readonly messages: number;
  readonly bytes: number;
  readonly heartbeats: number;
  readonly cpuUs: number;
}

/** All members hold the founding entry; the first one's timer is the shortest, so it leads. */
class Idle {
  readonly #cores: ReadonlyMap<string, RaftCore>;
  #inFlight: { readonly atMs: number; readonly bytes: Uint8Array; readonly from: string; readonly to: string }[] = [];
  #nowMs = 0;
  messages = 0;
  bytes = 0;
  heartbeats = 0;

  constructor(size: number) {
    const voters = Array.from({ length: size }, (_, at) => ({ id: `node-${at}`, incarnation: `disk-${at}` }));
    const data = encodeMembership(foundedBy({ clusterId: 'bench', voters, unmet: 0 }));
    const entry = { index: 1, term: 1, kind: 'membership' as const, data };
    this.#cores = new Map(
      voters.map((self, at) => [
        self.id,
        createRaft({
          ...{ self, listedSize: size, proposedClusterId: 'bench', timings, limits: defaultRaftLimits },
          random: () => (at === 0 ? 0 : 0.99),
          ...{ snapshot: null, base: { index: 0, term: 0 }, removeDeadAfterMs: Infinity },
          hardState: { term: 1, votedFor: null, foundedElsewhere: false },
          entries: [entry],
        }),
      ]),
    );
    this.#elect();
  }

  /** For so long as a cluster at rest runs in `ms`. */
  run(ms: number): void {
    for (const untilMs = this.#nowMs + ms; this.#nowMs < untilMs;) {
      const dueMs = Math.min(this.#inFlight[0]?.atMs ?? Infinity, ...this.#deadlines());
      this.#nowMs = Math.max(this.#nowMs, dueMs);
      this.#deliver();
      for (const [id, core] of this.#cores) {
        if (core.deadlineMs() <= this.#nowMs) this.#carryOut(id, core.step({ kind: 'tick' }, this.#nowMs));
      }
    }
  }

  #elect(): void {
    for (const [id, core] of this.#cores) this.#carryOut(id, core.step({ kind: 'tick' }, 0));
    this.run(1_000);
    if ([...this.#cores.values()].filter((core) => core.status().role === 'leader').length !== 1) {
      throw new Error('a cluster without faults has one leader');
    }
    this.messages = this.bytes = this.heartbeats = 0;
  }

  *#deadlines(): Iterable<number> {
    for (const core of this.#cores.values()) yield core.deadlineMs();
  }

  #deliver(): void {
    const due = this.#inFlight.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#inFlight = this.#inFlight.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { bytes, from, to } of due) {
      const frame = decodeFrame(bytes, { from, to });
      if (frame.kind !== 'raft') throw new Error(`a frame of kind ${frame.kind}`);
      const fromIncarnation = from.replace('node', 'disk');
      const input = { kind: 'message' as const, message: frame.message, fromIncarnation };
      this.#carryOut(to, this.#cores.get(to)!.step(input, this.#nowMs));
    }
  }

  /** The disk is instantaneous. */
  #carryOut(id: string, { persist, sendNow, sendAfterPersist }: Effects): void {
    for (const message of [...sendNow, ...sendAfterPersist]) this.#send(message);
    if (persist === null) return;
    this.#carryOut(id, this.#cores.get(id)!.step({ kind: 'persisted', ticket: persist.ticket }, this.#nowMs));
  }

  #send(message: Message): void {
    const bytes = encodeFrame({ kind: 'raft', message });
    this.messages += 1;
    this.bytes += bytes.length;
    if (message.kind === 'heartbeat') this.heartbeats += 1;
    this.#inFlight.push({ atMs: this.#nowMs + HOP_MS, bytes, from: message.from, to: message.to });
  }
}

function measure(size: number): Cost {
  const cluster = new Idle(size);
  const before = process.cpuUsage();
  cluster.run(seconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  const { messages, bytes, heartbeats } = cluster;
  return { messages, bytes, heartbeats, cpuUs: user + system };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;
const rounded = (value: number): number => Math.round(value * 10) / 10;

// Each size in turn, several times over: what disturbs the machine for a while disturbs all of them.
const costs = new Map<number, Cost[]>(SIZES.map((size) => [size, []]));
measure(SIZES.at(-1)!);
const fromMs = performance.now();
for (let round = 0; round < ROUNDS; round += 1) for (const size of SIZES) costs.get(size)!.push(measure(size));
const sizes = [...costs].map(([size, rounds]) => {
  const { messages, bytes, heartbeats } = rounds[0]!;
  return {
    size,
    messagesPerSecond: rounded(messages / seconds),
    bytesPerSecond: rounded(bytes / seconds),
    bytesPerHeartbeatAndAnswer: rounded(bytes / heartbeats),
    cpuUsPerHeartbeatAndAnswer: rounded(median(rounds.map(({ cpuUs }) => cpuUs / heartbeats))),
  };
});
console.log(
  JSON.stringify(
    { seconds, heartbeatMs: timings.heartbeatMs, sizes, tookMs: Math.round(performance.now() - fromMs) },
    null,
    2,
  ),
);
