import { z } from 'zod';
import { TuttiError } from '../lib/errors.ts';
import { decodeCut } from '../results/encoding.ts';
import type { Cut } from '../results/measurements.ts';
import type { Acknowledgement, AgentRef, StartQuality } from './state.ts';

/**
 * What agents and the coordinator say to each other over the cluster's streams, as JSON. A message is from a peer that
 * proved who it is, yet checked: the leader puts its content into the log, where nothing wrong may ever stand.
 */
export const agentMethods = {
  acknowledge: 'agent.acknowledge',
  runTime: 'agent.runTime',
  interval: 'agent.interval',
} as const;

export interface AcknowledgeMessage {
  readonly runId: string;
  readonly acknowledgement: Acknowledgement;
}

export interface RunTimeQuestion {
  readonly runId: string;
}

/** At `nowMs` of the answering node's monotonic clock the run time was `runMs`, give or take `errorMs`. */
export interface RunTimeAnswer {
  readonly nowMs: number;
  readonly runMs: number;
  readonly errorMs: number;
}

/** The oldest intervals of an agent that its own replica does not show as counted, without gaps; none: it only says how it is. */
export interface IntervalMessage {
  readonly runId: string;
  readonly agent: AgentRef;
  readonly start: StartQuality | null;
  /** Generators that can still send load; none: the agent's stripe is better given to others. */
  readonly generators: number;
  /** Its process is about to end in order: the same, and what it has measured is still to come. */
  readonly isEnding: boolean;
  readonly cuts: readonly Cut[];
}

const agent = z.strictObject({ node: z.string().min(1), session: z.string().min(1), region: z.string() });
const acknowledgeMessage = z.strictObject({
  runId: z.string().min(1),
  acknowledgement: z.strictObject({
    agent,
    attempt: z.int().nonnegative(),
    outcome: z.discriminatedUnion('ok', [
      z.strictObject({ ok: z.literal(true), generators: z.int().nonnegative() }),
      z.strictObject({ ok: z.literal(false), step: z.string(), message: z.string() }),
    ]),
  }),
}) satisfies z.ZodType<AcknowledgeMessage>;
const runTimeQuestion = z.strictObject({ runId: z.string() }) satisfies z.ZodType<RunTimeQuestion>;
const runTimeAnswer = z.strictObject({
  nowMs: z.number(),
  runMs: z.number(),
  errorMs: z.number().nonnegative(),
}) satisfies z.ZodType<RunTimeAnswer>;
const intervalMessage = z.strictObject({
  runId: z.string().min(1),
  agent,
  start: z.strictObject({ clockErrorMs: z.number(), startedLateMs: z.number() }).nullable(),
  generators: z.int().nonnegative(),
  isEnding: z.boolean(),
  // Read by results/encoding.ts, which knows the shape of a cut.
  cuts: z.array(z.unknown()).max(64),
});

export const encodeAcknowledge = (message: AcknowledgeMessage): Uint8Array => encode(message);
export const decodeAcknowledge = (body: Uint8Array): AcknowledgeMessage => decode(acknowledgeMessage, body);
export const encodeRunTimeQuestion = (question: RunTimeQuestion): Uint8Array => encode(question);
export const decodeRunTimeQuestion = (body: Uint8Array): RunTimeQuestion => decode(runTimeQuestion, body);
export const encodeRunTimeAnswer = (answer: RunTimeAnswer): Uint8Array => encode(answer);
export const decodeRunTimeAnswer = (body: Uint8Array): RunTimeAnswer => decode(runTimeAnswer, body);

/** `cuts` are the JSON texts of encoded cuts: an agent keeps them as text and need not build them again to resend. */
export function encodeInterval(head: Omit<IntervalMessage, 'cuts'>, cuts: readonly string[]): Uint8Array {
  const text = JSON.stringify(head);
  return new TextEncoder().encode(`${text.slice(0, -1)},"cuts":[${cuts.join(',')}]}`);
}

export function decodeInterval(body: Uint8Array): IntervalMessage {
  const message = decode(intervalMessage, body);
  return { ...message, cuts: message.cuts.map(decodeCut) };
}

function encode(message: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

function decode<Message>(schema: z.ZodType<Message>, body: Uint8Array): Message {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (thrown) {
    throw new TuttiError('INTERNAL', 'a message between nodes is not JSON', { cause: thrown });
  }
  const read = schema.safeParse(json);
  if (!read.success)
    throw new TuttiError('INTERNAL', `a message between nodes is wrong: ${z.prettifyError(read.error)}`);
  return read.data;
}
