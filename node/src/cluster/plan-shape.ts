import { z } from 'zod';
import type { Assertion, Load, NameValue, Plan, Scenario, Step } from '../plan/plan.ts';

/**
 * The shape of a plan in the log: which values have which types, and nothing of the rules by which a text became a plan. Those
 * may differ between versions, and were asked once, by the leader (ADR 84). A plan of another shape is of another version.
 */
const nameValue = z.strictObject({ name: z.string(), value: z.string() }) satisfies z.ZodType<NameValue>;
const nameValues = z.array(nameValue);
const textOrNone = z.string().nullable();

const load = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('concurrent') }),
  z.strictObject({ model: z.literal('rps'), ratePerSecond: z.number().positive() }),
]) satisfies z.ZodType<Load>;

const assertion = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('statusCode'), expected: z.number() }),
  z.strictObject({ type: z.literal('responseTime'), maxMs: z.number() }),
  z.strictObject({ type: z.literal('jsonPath'), path: z.string(), expected: textOrNone }),
  z.strictObject({ type: z.literal('bodyContains'), text: z.string() }),
  z.strictObject({ type: z.literal('bodyMatches'), regex: z.string() }),
  z.strictObject({ type: z.literal('headerExists'), header: z.string() }),
]) satisfies z.ZodType<Assertion>;

const step = z.strictObject({
  name: z.string(),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']),
  path: z.string(),
  queryParams: nameValues,
  headers: nameValues,
  body: textOrNone,
  bodyBytes: z.number().nullable(),
  extract: z.array(z.strictObject({ type: z.literal('jsonPath'), name: z.string(), jsonPath: z.string() })),
  assertions: z.array(assertion),
  thinkTime: z.strictObject({ minMs: z.number(), maxMs: z.number() }).nullable(),
}) satisfies z.ZodType<Step>;

const scenario = z.strictObject({
  name: z.string(),
  weight: z.number(),
  steps: z.array(step),
}) satisfies z.ZodType<Scenario>;

export const planShape = z.strictObject({
  version: z.string(),
  metadata: z.strictObject({
    name: textOrNone,
    description: textOrNone,
    author: textOrNone,
    tags: z.array(z.string()),
    tenant: textOrNone,
    runId: textOrNone,
  }),
  baseUrl: z.string(),
  timeoutMs: z.number(),
  durationMs: z.number().positive(),
  workers: z.number().nullable(),
  skipTlsVerify: z.boolean(),
  headers: nameValues,
  resolve: z.strictObject({ host: z.string(), address: z.string(), port: z.number() }).nullable(),
  pool: z.strictObject({ maxIdlePerHost: z.number(), idleTimeoutMs: z.number() }),
  load,
  scenarios: z.array(scenario).min(1),
}) satisfies z.ZodType<Plan>;
