import * as z from 'zod';
import type { Path } from './findings.ts';
import { planSchema } from './schema/schema.ts';

/** The part of JSON Schema (2020-12) that zod writes for the plan. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | false;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly default?: unknown;
}

let written: JsonSchema | null = null;

/** The JSON Schema of a plan, for editors (docs/plan.schema.json) and for the texts of problems. */
export function jsonSchema(): JsonSchema {
  written ??= z.toJSONSchema(planSchema, { io: 'input' }) as JsonSchema;
  return written;
}

/** What the schema says of the place a path leads to in `root`; null where it says nothing. */
export function schemaAt(path: Path, root: unknown): JsonSchema | null {
  let schema: JsonSchema | null = jsonSchema();
  let value: unknown = root;
  for (const part of path) {
    schema = chosen(schema, value);
    const child: JsonSchema | false | undefined =
      typeof part === 'number' ? schema.items : (schema.properties?.[part] ?? schema.additionalProperties);
    if (!child) return null;
    schema = child;
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[part] : undefined;
  }
  return chosen(schema, value);
}

/** Values a discriminated union knows for its discriminating key: statusCode, responseTime, ... */
export function optionsOf(schema: JsonSchema | null, discriminator: string): readonly string[] {
  return (schema?.oneOf ?? []).map((option) => String(option.properties?.[discriminator]?.const));
}

/** The branch of a union that a value means: by its type or model, or the mapping where a mapping stands. */
function chosen(schema: JsonSchema, value: unknown): JsonSchema {
  if (typeof value !== 'object' || value === null) return schema;
  const options = schema.oneOf ?? schema.anyOf ?? [];
  const branch = options.find(({ properties }) => {
    if (properties === undefined) return false;
    const constants = Object.entries(properties).filter(([, property]) => property.const !== undefined);
    return constants.every(([key, property]) => (value as Record<string, unknown>)[key] === property.const);
  });
  return branch ?? schema;
}
