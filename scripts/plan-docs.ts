// Writes what is generated from the plan's schema: docs/plan.schema.json and the reference in docs/plan.md.
// Run after a change of node/src/plan/schema: node scripts/plan-docs.ts (a test fails until then).
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { jsonSchema, type JsonSchema } from '../node/src/plan/json-schema.ts';
import { notSupported } from '../node/src/plan/not-supported.ts';

const schemaFile = new URL('../docs/plan.schema.json', import.meta.url);
const pageFile = new URL('../docs/plan.md', import.meta.url);
const begin = '<!-- generated from the schema by scripts/plan-docs.ts: begin -->';
const end = '<!-- generated: end -->';

/** The files as they ought to be, by path. */
export async function planDocs(): Promise<ReadonlyMap<URL, string>> {
  const page = readFileSync(pageFile, 'utf8');
  const [before, after] = [page.split(begin)[0], page.split(end)[1]];
  if (before === undefined || after === undefined) throw new Error(`docs/plan.md lacks "${begin}" or "${end}"`);
  const generated = [begin, reference(), end].join('\n\n');
  return new Map([
    [schemaFile, await pretty(`${JSON.stringify(jsonSchema())}\n`, schemaFile, 'json')],
    [pageFile, await pretty(before + generated + after, pageFile, 'markdown')],
  ]);
}

async function pretty(text: string, file: URL, parser: string): Promise<string> {
  return format(text, { ...(await resolveConfig(file)), parser });
}

/** One table per mapping of the plan, then what is refused. */
function reference(): string {
  const sections = [...mappings(jsonSchema(), '')].map(({ place, schema }) => {
    const rows = Object.entries(schema.properties ?? {}).map(([key, value]) => {
      const needed = schema.required?.includes(key) === true ? 'required' : defaultOf(value);
      return [`\`${key}\``, expectation(value), needed, value.description ?? ''];
    });
    const heading = `### ${place === '' ? 'The plan' : place}`;
    const about = schema.description ?? '';
    return [heading, about, table(['key', 'value', 'default', 'meaning'], rows)]
      .filter((part) => part !== '')
      .join('\n\n');
  });
  const refused = notSupported.map(({ at, what, instead }) => [`\`${at}\``, what, instead]);
  return [...sections, '### Not supported yet', table(['key', 'what', 'instead'], refused)].join('\n\n');
}

function* mappings(schema: JsonSchema, place: string): IterableIterator<{ place: string; schema: JsonSchema }> {
  for (const branch of [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) {
    if (branch.properties === undefined) continue;
    const chosen = Object.entries(branch.properties).find(([, property]) => property.const !== undefined);
    const suffix = chosen === undefined ? '' : `, ${chosen[0]}: ${String(chosen[1].const)}`;
    yield { place: place === '' ? '' : `\`${place}\`${suffix}`, schema: branch };
    for (const [key, child] of Object.entries(branch.properties)) {
      const childPlace = place === '' ? key : `${place}.${key}`;
      yield* child.items === undefined ? mappings(child, childPlace) : mappings(child.items, `${childPlace}[]`);
    }
  }
}

function expectation(schema: JsonSchema): string {
  return schema.title ?? `\`${String(schema.const)}\``;
}

function defaultOf(schema: JsonSchema): string {
  return schema.default === undefined ? 'none' : `\`${JSON.stringify(schema.default)}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.main) {
  for (const [file, text] of await planDocs()) writeFileSync(file, text);
}
