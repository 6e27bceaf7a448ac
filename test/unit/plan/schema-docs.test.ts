import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jsonSchema, type JsonSchema } from '../../../node/src/plan/json-schema.ts';
import { notSupported } from '../../../node/src/plan/not-supported.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import { builtinVariables } from '../../../node/src/plan/template.ts';
import { planDocs } from '../../../scripts/plan-docs.ts';

const page = readFileSync(new URL('../../../docs/plan.md', import.meta.url), 'utf8');

test('docs/plan.md and docs/plan.schema.json are current: else run node scripts/plan-docs.ts', async () => {
  for (const [file, text] of await planDocs()) expect(readFileSync(file, 'utf8')).toBe(text);
});

/** Every key of the schema with its place; elements and branches count as part of their key. */
function* keysOf(schema: JsonSchema, place = ''): IterableIterator<readonly [string, JsonSchema]> {
  for (const branch of [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) yield* keysOf(branch, place);
  if (schema.items !== undefined) yield* keysOf(schema.items, `${place}[]`);
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    yield [`${place}.${key}`, child];
    yield* keysOf(child, `${place}.${key}`);
  }
}

describe.each([...keysOf(jsonSchema())])('the key %s', (place, schema) => {
  test('says what is expected and what it does, and stands on the page', () => {
    if (schema.const === undefined) {
      expect(schema.title).toBeTruthy();
      expect(schema.description).toBeTruthy();
    }
    expect(page).toContain(`| \`${place.split('.').at(-1)!}\``);
  });
});

test.each(builtinVariables)('the variable %s stands on the page', (name) => {
  expect(page).toContain(`\`\${${name}}\``);
});

describe.each(notSupported)('$at', ({ at, what }) => {
  test('is refused by name, never ignored', () => {
    const [path, value] = at.split('=');
    const [root, ...rest] = path!
      .split('.')
      .toReversed()
      .reduce<string>(
        (inner, part) => (part.endsWith('[]') ? `{${part.slice(0, -2)}: [${inner}]}` : `{${part}: ${inner}}`),
        value ?? 'x',
      );
    const result = parsePlan([root, ...rest].join(''));
    const messages = result.ok ? [] : result.problems.map((problem) => problem.message);
    expect(messages).toContainEqual(expect.stringContaining(`(${what}) is not supported yet`));
  });
});
