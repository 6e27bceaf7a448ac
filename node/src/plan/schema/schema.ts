import * as z from 'zod';
import { baseUrlFault, parseResolveTarget } from '../addresses.ts';
import { parseCustomHeaders } from '../headers.ts';
import { planLimits } from '../limits.ts';
import { checkedText, duration, parsedText, plainText, wholeNumber } from './fields.ts';
import { assertionSchema, extractionSchema, requestSchema } from './request.ts';

const metadata = z
  .strictObject({
    name: plainText('text', 'Shown in reports.').optional(),
    description: plainText('text', 'For the reader of the plan.').optional(),
    author: plainText('text', 'For the reader of the plan.').optional(),
    tags: z
      .array(z.string().meta({ title: 'text', description: 'One tag.' }))
      .max(planLimits.itemsPerList)
      .meta({ title: 'a list of texts', description: 'For the reader of the plan.' })
      .default([]),
    tenant: plainText(
      'text',
      'Whose run it is: a label of the metrics; a stop that names another is refused.',
    ).optional(),
    run_id: plainText('text', 'A label of your own for the run.').optional(),
  })
  .meta({ title: 'a mapping', description: 'Names and labels.' });

const pool = z
  .strictObject({
    maxIdlePerHost: wholeNumber('Unused connections kept open per host.', {
      min: 0,
      max: planLimits.poolIdlePerHost,
    }).default(32),
    idleTimeoutSecs: wholeNumber('Seconds an unused connection is kept open.', {
      min: 0,
      max: planLimits.poolIdleTimeoutSecs,
    }).default(30),
  })
  .meta({ title: 'a mapping', description: 'Connections kept for reuse.' });

const config = z
  .strictObject({
    baseUrl: checkedText(
      { title: 'a URL such as "https://shop.example"', description: 'What the paths of the steps are joined to.' },
      baseUrlFault,
    ),
    timeout: duration('The longest a request may take, from the send to the last byte of the body.', {
      minMs: 1,
      maxMs: planLimits.timeoutMs,
    }).prefault('30s'),
    workers: wholeNumber(
      'Model concurrent: virtual users of the whole cluster (default 10). Model rps: the most iterations in flight in the whole cluster (default: derived from the rate).',
      { min: 1, max: planLimits.workers },
    ).optional(),
    duration: duration('How long iterations are started.', { minMs: 1, maxMs: planLimits.durationMs }),
    skipTlsVerify: z
      .boolean()
      .meta({ title: 'true or false', description: 'Accept any certificate, for any host name.' })
      .default(false),
    customHeaders: parsedText(
      {
        title: 'text such as "Name:Value,Other:Value"',
        description: 'Headers for every request: `Name:Value` pairs separated by commas; `\\,` is a comma in a value.',
      },
      parseCustomHeaders,
    ).optional(),
    resolveTargetAddr: parsedText(
      {
        title: 'text such as "shop.example:10.0.0.7:8443"',
        description: '`host:address:port`: requests to the host connect there. An IPv6 address stands in brackets.',
      },
      parseResolveTarget,
    ).optional(),
    pool: pool.prefault({}),
  })
  .meta({ title: 'a mapping with baseUrl and duration', description: 'Where the load goes and for how long.' });

const load = z
  .discriminatedUnion('model', [
    z.strictObject({ model: z.literal('concurrent') }),
    z.strictObject({
      model: z.literal('rps'),
      target: z
        .number()
        .min(planLimits.ratePerSecondMin)
        .max(planLimits.ratePerSecond)
        .meta({
          title: `a number from ${planLimits.ratePerSecondMin} to ${planLimits.ratePerSecond}`,
          description: 'Scenario iterations per second of the whole cluster.',
        }),
    }),
  ])
  .meta({ title: 'a mapping with a model', description: 'How iterations are started.' });

const thinkTimeBounds = { minMs: 0, maxMs: planLimits.thinkTimeMs };

const thinkTime = z
  .union([
    duration('Always this long.', thinkTimeBounds),
    z.strictObject({
      min: duration('Shortest pause.', thinkTimeBounds),
      max: duration('Longest pause.', thinkTimeBounds),
    }),
  ])
  .meta({
    title: 'a duration, or a mapping with min and max',
    description: 'Pause after the step succeeded: fixed, or anew each time, evenly spread from min to max.',
  });

const step = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(planLimits.nameLength)
      .meta({ title: 'text', description: 'Shown in reports, unique in the scenario (default: Step 1, Step 2, ...).' })
      .optional(),
    request: requestSchema,
    extract: z
      .array(extractionSchema)
      .max(planLimits.itemsPerList)
      .meta({
        title: 'a list of extractions',
        description: 'Values of the response kept as variables for later steps.',
      })
      .prefault([]),
    assertions: z
      .array(assertionSchema)
      .max(planLimits.itemsPerList)
      .meta({ title: 'a list of assertions', description: 'What must hold of the response, or the step fails.' })
      .prefault([]),
    thinkTime: thinkTime.optional(),
  })
  .meta({ title: 'a mapping with request', description: 'One request and what is done with its response.' });

const scenario = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(planLimits.nameLength)
      .meta({ title: 'text', description: 'Shown in reports, unique in the plan.' }),
    weight: z
      .number()
      .positive()
      .max(planLimits.weight)
      .meta({
        title: `a number above 0, at most ${planLimits.weight}`,
        description: 'Its share of the iterations is its weight over the sum of all weights.',
      })
      .default(1),
    steps: z
      .array(step)
      .min(1)
      .max(planLimits.stepsPerScenario)
      .meta({ title: 'a list of steps', description: 'Sent in order; the first that fails ends the iteration.' }),
  })
  .meta({ title: 'a mapping with name and steps', description: 'A sequence of steps one user goes through.' });

/** The one description of a plan: validation, defaults, error texts, JSON Schema and reference page all come from here. */
export const planSchema = z
  .strictObject({
    version: z.union([z.literal('1.0'), z.literal(1)]).meta({ title: '"1.0"', description: 'Version of this format.' }),
    metadata: metadata.prefault({}),
    config,
    load,
    scenarios: z
      .array(scenario)
      .min(1)
      .max(planLimits.scenarios)
      .meta({ title: 'a list of scenarios', description: 'Each iteration runs one of them, chosen by weight.' }),
  })
  .meta({ title: 'a mapping with version, config, load and scenarios', description: 'A load test plan of tutti.' });

/** What the schema makes of a document: defaults filled in, durations in milliseconds, sizes in bytes. */
export type PlanInput = z.output<typeof planSchema>;
