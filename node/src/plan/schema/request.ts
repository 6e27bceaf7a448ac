import * as z from 'zod';
import { pathFault } from '../addresses.ts';
import { jsonPathFault } from '../expressions.ts';
import { isHeaderName } from '../headers.ts';
import { planLimits } from '../limits.ts';
import { builtinVariables, isVariableName, variableNameForm } from '../template.ts';
import { clip } from '../units.ts';
import { checkedText, duration, plainText, scalarText, size, wholeNumber } from './fields.ts';

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

const method = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(methods))
  .meta({
    title: `one of ${methods.join(', ')}`,
    description: 'HTTP method; letter case does not matter.',
    examples: [...methods],
  });

const scalarMap = (description: string, title: string): z.ZodRecord<z.ZodString, ReturnType<typeof scalarText>> =>
  z.record(z.string(), scalarText('The value.')).meta({ title, description });

export const requestSchema = z
  .strictObject({
    method,
    path: checkedText(
      {
        title: 'text such as "/items/${id}"',
        description:
          'Joined to `baseUrl` with exactly one slash, or a whole URL with http:// or https://, which goes to that host. Template.',
      },
      pathFault,
    ),
    queryParams: scalarMap(
      'Appended to the path, percent-encoded. Values are templates.',
      'a mapping of names to values',
    ).optional(),
    headers: scalarMap(
      'Sent with this request; wins over a header of the same name in `customHeaders`. Values are templates.',
      'a mapping of header names to values',
    ).optional(),
    body: plainText('text', 'Sent as it stands. Template. Not together with `bodySize`.').optional(),
    bodySize: size(
      'Random letters and digits of this size as the body, new for each request. Not together with `body`.',
      planLimits.bodyBytes,
    ).optional(),
  })
  .meta({ title: 'a mapping with method and path', description: 'The HTTP request of the step.' });

const jsonPath = (description: string): z.ZodType<string, string> =>
  checkedText({ title: 'a JSONPath such as "$.items[0].id"', description }, jsonPathFault);

export const extractionSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('jsonPath'),
      name: checkedText(
        { title: 'a variable name', description: 'The variable, used later as ${name}.' },
        variableNameFault,
      ),
      jsonPath: jsonPath(
        'RFC 9535; must match exactly one node of the JSON body. Text as it is, everything else as JSON text.',
      ),
    }),
  ])
  .meta({ title: 'a mapping with type, name and jsonPath', description: 'One value to take out of the response.' });

export const assertionSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('statusCode'),
      expected: wholeNumber('The status the response must have.', { min: 100, max: 599 }),
    }),
    z.strictObject({
      type: z.literal('responseTime'),
      max: duration(
        'The longest response time that passes, from the planned start of the step to the last byte of the body.',
        { minMs: 1, maxMs: planLimits.timeoutMs },
      ),
    }),
    z.strictObject({
      type: z.literal('jsonPath'),
      path: jsonPath('RFC 9535; must match exactly one node of the JSON body.'),
      expected: scalarText(
        'What the node must be, compared as text. Template. Left out: the node must exist.',
      ).optional(),
    }),
    z.strictObject({
      type: z.literal('bodyContains'),
      text: z.string().min(1).meta({ title: 'text', description: 'Must occur in the body, letter for letter.' }),
    }),
    z.strictObject({
      type: z.literal('bodyMatches'),
      // Compiled by the rules, which know how many there are.
      regex: z.string().meta({
        title: 'a regular expression',
        description: `Must match somewhere in the body. RE2: no lookaround, no backreferences. At most ${planLimits.regexes} different ones.`,
      }),
    }),
    z.strictObject({
      type: z.literal('headerExists'),
      header: checkedText(
        { title: 'a header name', description: 'The response must have it; letter case does not matter.' },
        (name) => (isHeaderName(name) ? null : `"${clip(name)}" is no header name; use letters, digits and -`),
      ),
    }),
  ])
  .meta({ title: 'a mapping with a type', description: 'One thing that must hold of the response.' });

function variableNameFault(name: string): string | null {
  if (!isVariableName(name)) return `"${clip(name)}" is no variable name; use ${variableNameForm}`;
  const isBuiltin = (builtinVariables as readonly string[]).includes(name);
  return isBuiltin ? `"${name}" is a variable every iteration has already; choose another name` : null;
}
