import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { planShape } from '../../../node/src/cluster/plan-shape.ts';
import { jsonSchema, type JsonSchema } from '../../../node/src/plan/json-schema.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';

const checkout = readFileSync(new URL('../../../examples/checkout.yaml', import.meta.url), 'utf8');

function checkPlaces(text: string): void {
  const result = parsePlan(text);
  // What is accepted can go through the log: it has the shape that every node reads it by.
  if (result.ok) {
    expect(planShape.parse(JSON.parse(JSON.stringify(result.plan)))).toEqual(result.plan);
    return;
  }
  const lines = text.split('\n');
  expect(result.problems.length).toBeGreaterThan(0);
  for (const { line, column, message } of result.problems) {
    expect(message).not.toBe('');
    expect(lines[line - 1], `line ${line} of ${lines.length}: ${message}`).toBeDefined();
    expect(column, message).toBeGreaterThanOrEqual(1);
    expect(column, message).toBeLessThanOrEqual(lines[line - 1]!.length + 1);
  }
}

/** Every key the schema knows, so that random documents get past the first level. */
const keys = [...new Set(keysOf(jsonSchema()))];

function keysOf(schema: JsonSchema): string[] {
  const inner = [...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])];
  const own = Object.entries(schema.properties ?? {});
  return [...own.map(([key]) => key), ...own.flatMap(([, child]) => keysOf(child)), ...inner.flatMap(keysOf)];
}

const { document } = fc.letrec((tie) => ({
  document: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, 'rps', 'jsonPath', '30s', '${a}', '${', '__proto__'),
    ),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), tie('document'), { maxKeys: 6 }),
    fc.array(tie('document'), { maxLength: 4 }),
  ),
}));

test('any text is a plan or a list of problems that lie inside it', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), checkPlaces), { numRuns: 300 });
});

test('any YAML signs are a plan or a list of problems that lie inside the text', () => {
  const signs = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&x ',
    '*x',
    '|',
    '>',
    '#',
    '\t',
    '---',
    '!t ',
    '? ',
    ',',
    '\r\n',
    '%',
  );
  fc.assert(
    fc.property(
      fc.array(signs, { maxLength: 40 }).map((parts) => parts.join('')),
      checkPlaces,
    ),
    { numRuns: 500 },
  );
});

test('any document with keys of the schema is a plan or a list of problems that lie inside it', () => {
  fc.assert(
    fc.property(document, (value) => checkPlaces(stringify(value))),
    { numRuns: 300 },
  );
});

test('a good plan with a piece cut out or put in is a plan or a list of problems that lie inside it', () => {
  const edit = fc.record({ at: fc.nat(checkout.length), cut: fc.nat(30), put: fc.string({ maxLength: 10 }) });
  fc.assert(
    fc.property(edit, ({ at, cut, put }) => checkPlaces(checkout.slice(0, at) + put + checkout.slice(at + cut))),
    { numRuns: 200 },
  );
});

test('parsing is a function of the text alone', () => {
  fc.assert(
    fc.property(document, (value) => {
      expect(parsePlan(stringify(value))).toEqual(parsePlan(stringify(value)));
    }),
    { numRuns: 50 },
  );
});
