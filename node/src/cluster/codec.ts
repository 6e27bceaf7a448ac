import { z } from 'zod';
import { invariant } from '../lib/invariant.ts';
import type { Command } from './commands.ts';
import { planShape } from './plan-shape.ts';

const whole = z.number().int().nonnegative();
/** Run time: may carry fractions, never negative. */
const runMs = z.number().nonnegative();
const agent = z.strictObject({ node: z.string().min(1), session: z.string().min(1), region: z.string() });
const slots = z.array(z.string().min(1)).min(1);
const term = whole;
const runId = z.string().min(1);

const outcome = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), generators: whole }),
  z.strictObject({ ok: z.literal(false), step: z.string(), message: z.string() }),
]);
const books = z.strictObject({
  fired: whole,
  dropped: whole,
  notFired: whole,
  lost: whole,
  answered: whole,
  failed: whole,
  heldUserMs: whole,
});
const interval = z.strictObject({
  agent,
  number: whole,
  final: z.boolean(),
  books,
  inFlight: whole,
  start: z.strictObject({ clockErrorMs: z.number(), startedLateMs: z.number() }).nullable(),
});

const command = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('submitRun'),
    term,
    runId,
    submissionId: z.string().min(1),
    source: z.string().min(1).nullable(),
    planText: z.string(),
    plan: planShape,
    planHash: z.string().min(1),
    expected: z.array(agent).min(1),
    missing: z.array(z.string().min(1)),
    submittedAtUnixMs: z.number(),
  }),
  z.strictObject({
    kind: z.literal('noteSource'),
    term,
    source: z.string().min(1),
    reason: z.string().min(1).nullable(),
    isWaiting: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('acknowledge'),
    term,
    runId,
    acknowledgement: z.strictObject({ agent, attempt: whole, outcome }),
  }),
  z.strictObject({ kind: z.literal('retryPrepare'), term, runId, attempt: whole, expected: z.array(agent).min(1) }),
  z.strictObject({
    kind: z.literal('scheduleStart'),
    term,
    runId,
    start: z.strictObject({ leader: z.string().min(1), term, leaderMs: z.number() }),
    startedAtUnixMs: z.number(),
    slots,
    horizonMs: runMs,
  }),
  z.strictObject({ kind: z.literal('markRunning'), term, runId }),
  z.strictObject({ kind: z.literal('extendHorizon'), term, runId, horizonMs: runMs, runMs }),
  z.strictObject({ kind: z.literal('assignStripes'), term, runId, slots, reason: z.string() }),
  z.strictObject({
    kind: z.literal('changeLoad'),
    term,
    runId,
    submissionId: z.string().min(1),
    source: z.string().min(1).nullable(),
    planHash: z.string().min(1),
    terms: z.strictObject({
      ratePerSecond: z.number().positive().nullable(),
      workers: z.number().int().positive().nullable(),
      durationMs: z.number().positive(),
    }),
  }),
  z.strictObject({
    kind: z.literal('countIntervals'),
    term,
    runId,
    intervals: z.array(interval).min(1),
    // The reducer reads the measurements, with the checks of results/encoding.ts: here only that there is a list.
    regions: z.array(z.strictObject({ region: z.string(), measurements: z.array(z.any()) })),
  }),
  z.strictObject({
    kind: z.literal('beginDraining'),
    term,
    runId,
    stop: z
      .strictObject({ reason: z.enum(['completed', 'stopped']), atMs: runMs, deadlineMs: runMs })
      .refine((stop) => stop.deadlineMs >= stop.atMs, 'the deadline lies before the end'),
  }),
  z.strictObject({ kind: z.literal('finishRun'), term, runId }),
  z.strictObject({ kind: z.literal('abortRun'), term, runId, reason: z.string() }),
]) satisfies z.ZodType<Command>;

/**
 * JSON in UTF-8, as it stands in the log. A command that could not be read back breaks an invariant here, on the node that
 * made it, rather than later on all of them.
 */
export function encodeCommand(given: Command): Uint8Array {
  const read = command.safeParse(given);
  invariant(read.success, `no such command: ${read.success ? '' : z.prettifyError(read.error)}`);
  return new TextEncoder().encode(JSON.stringify(given));
}

/** `index` names the log entry: a committed command that cannot be read is damage or a newer version, and ends the node. */
export function decodeCommand(data: Uint8Array, index: number): Command {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (thrown) {
    invariant(false, `the command of entry ${index} is not JSON: ${String(thrown)}`);
  }
  const read = command.safeParse(json);
  invariant(
    read.success,
    `the command of entry ${index} is unknown: ${read.success ? '' : z.prettifyError(read.error)}`,
  );
  return read.data;
}
