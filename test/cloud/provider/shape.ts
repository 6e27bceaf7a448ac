import { isAsset, isList, isMap, UNKNOWN, type Value } from './values.ts';

/** What a property may hold, as the declarations of a Pulumi package say it (derive-shapes.ts). */
export type Shape =
  | { readonly kind: 'string' | 'number' | 'boolean' | 'asset' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Field {
  readonly isRequired: boolean;
  readonly shape: Shape;
}

export interface Problem {
  readonly path: string;
  readonly reason: string;
}

/** Everything about a value that its shape does not allow. Unknown values are allowed everywhere. */
export function problemsOf(value: Value | undefined, shape: Shape, path = ''): readonly Problem[] {
  const wrong = (): readonly Problem[] => [
    { path, reason: `is ${JSON.stringify(value)}, where ${nameOf(shape)} belongs` },
  ];
  if (value === undefined || value === null || value === UNKNOWN) return [];
  switch (shape.kind) {
    case 'asset':
      return isAsset(value) ? [] : wrong();
    case 'list':
      return isList(value) ? value.flatMap((one, at) => problemsOf(one, shape.of, `${path}[${at}]`)) : wrong();
    case 'map':
      if (!isMap(value)) return wrong();
      return Object.entries(value).flatMap(([name, one]) => problemsOf(one, shape.of, join(path, name)));
    case 'object':
      return isMap(value) ? problemsInside(value, shape, path) : wrong();
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === shape.kind ? [] : wrong();
  }
}

function problemsInside(
  value: Readonly<Record<string, Value>>,
  { fields }: ObjectShape,
  path: string,
): readonly Problem[] {
  const unknown = Object.keys(value).filter((name) => !Object.hasOwn(fields, name));
  const missing = Object.entries(fields).filter(
    ([name, { isRequired }]) => isRequired && (value[name] ?? null) === null,
  );
  return [
    ...unknown.map((name) => ({
      path: join(path, name),
      reason: `is not a property (known: ${Object.keys(fields).join(', ')})`,
    })),
    ...missing.map(([name]) => ({ path: join(path, name), reason: 'is required' })),
    ...Object.entries(fields).flatMap(([name, { shape }]) => problemsOf(value[name], shape, join(path, name))),
  ];
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function nameOf(shape: Shape): string {
  return shape.kind === 'object' ? `an object with ${Object.keys(shape.fields).join(', ')}` : `a ${shape.kind}`;
}
