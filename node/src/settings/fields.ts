import { z } from 'zod';

/** One setting of the table: the environment variable, the flag, the type, the default and what it is for. */
export interface Setting {
  readonly env: string;
  /** Null: no flag. For secrets, because other users of the machine can read a process's arguments. */
  readonly flag: string | null;
  /** The flag alone means true, and takes no argument. */
  readonly isSwitch: boolean;
  readonly schema: z.ZodType;
  /** As a person would write it; shown in help and docs. */
  readonly shown: string;
  readonly help: string;
}

export const text = z.string().min(1, 'must not be empty');
export const boolean = z
  .string()
  .refine((value) => ['true', 'false', '1', '0'].includes(value.toLowerCase()), 'must be true or false')
  .transform((value) => ['true', '1'].includes(value.toLowerCase()));
export const wholeNumber = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .refine(
      (value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max,
      `must be a whole number from ${min} to ${max}`,
    )
    .transform(Number);
export const oneOf = <const Values extends readonly string[]>(values: Values): z.ZodType<Values[number], string> =>
  z.string().transform((value, context) => {
    if (values.includes(value)) return value;
    context.addIssue({ code: 'custom', message: `must be ${values.join(' or ')}, not '${value}'` });
    return z.NEVER;
  });
const addressFrom = (minPort: 0 | 1): z.ZodType<{ host: string; port: number }, string> =>
  z.string().transform((value, context) => {
    const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(value);
    const port = Number(match?.[3]);
    if (match !== null && port >= minPort && port <= 65_535) return { host: match[1] ?? match[2]!, port };
    const ports = minPort === 0 ? 'ports 0 to 65535 (0: any free)' : 'ports 1 to 65535';
    context.addIssue({ code: 'custom', message: `must be host:port, ${ports}, an IPv6 host in brackets ([::1]:7000)` });
    return z.NEVER;
  });
/** Others dial it by a list, so it must be known before. */
export const dialledAddress = addressFrom(1);
export const address = addressFrom(0);

/** Of an API of Google, other than Google's own. */
export const apiEndpoint = text.refine((value) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  return url !== null && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(value.toLowerCase());
}, 'must be http://host:port or https://host:port');

/** For a service that nobody needs. */
export const addressOrNone = z.string().transform((value, context) => {
  if (value === 'none') return null;
  const read = address.safeParse(value);
  if (read.success) return read.data;
  context.addIssue({ code: 'custom', message: `${read.error.issues[0]!.message}, or none` });
  return z.NEVER;
});

const flagOf = (env: string): string =>
  env
    .replace(/^CLUSTER_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
export const setting = <Schema extends z.ZodType>(
  env: string,
  schema: Schema,
  shown: string,
  help: string,
): Setting & { schema: Schema } => ({
  env,
  flag: flagOf(env),
  isSwitch: false,
  schema,
  shown,
  help,
});
export const secret = <Schema extends z.ZodType>(
  env: string,
  schema: Schema,
  help: string,
): Setting & { schema: Schema } => ({
  ...setting(env, schema, 'none', help),
  flag: null,
});
