/** A property as it crosses the wire between the engine and a provider. */
export type Value = string | number | boolean | null | readonly Value[] | Values;
export interface Values {
  readonly [name: string]: Value;
}

/** In a preview, what nobody can know before it is made (sdk/go/common/resource/plugin/rpc.go of pulumi/pulumi). */
export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';
const ASSET = 'c44067f5952c0a294b673a41bacd8c17';

export function isMap(value: Value | undefined): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export const isSecret = (value: Value | undefined): boolean => isMap(value) && value[SIGNATURE] === SECRET;
export const isAsset = (value: Value | undefined): boolean => isMap(value) && value[SIGNATURE] === ASSET;
export const secret = (value: Value): Value => ({ [SIGNATURE]: SECRET, value });

/** The same without the wrapping of what is secret, at any depth. */
export function bare(value: Value): Value {
  if (isList(value)) return value.map(bare);
  if (!isMap(value)) return value;
  if (isSecret(value)) return bare(value.value ?? null);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, bare(inner)]));
}

export const bareAll = (values: Values): Values => bare(values) as Values;

/** Whether it, or anything in it, cannot be known yet. */
export function hasUnknown(value: Value): boolean {
  if (isList(value)) return value.some(hasUnknown);
  return isMap(value) ? Object.values(value).some(hasUnknown) : value === UNKNOWN;
}

/** What stands at a dotted path; of lists, what stands there in each of their elements. */
export function valuesAt(value: Value | undefined, path: string): readonly Value[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.flatMap((one) => valuesAt(one, path));
  if (path === '') return [value];
  const [first, ...rest] = path.split('.');
  return isMap(value) ? valuesAt(value[first!], rest.join('.')) : [];
}

/** The same as text; what is none as JSON. */
export function textsAt(value: Value | undefined, path: string): readonly string[] {
  return valuesAt(value, path).map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
}

/** The text at a property that the shape of the resource makes a text. */
export function textOf(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== 'string') throw new Error(`${name} is ${JSON.stringify(value)}, where a text belongs`);
  return value;
}
