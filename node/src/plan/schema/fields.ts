import * as z from 'zod';
import { formatDurationMs, parseDurationMs, parseSizeBytes, sizeForm, durationForm, type Parsed } from '../units.ts';

/**
 * Building blocks of the plan's schema. Each carries two texts: `title` says what is expected (it completes "expected ...,
 * found ..." in problems), `description` what it does (reference page, editors).
 */
export interface Texts {
  readonly title: string;
  readonly description: string;
}

/** Text that `parse` turns into something else, or refuses with a message of its own. */
export function parsedText<T>(texts: Texts, parse: (text: string) => Parsed<T>): z.ZodType<T, string> {
  return z
    .string()
    .transform((text, context) => valueOrIssue(parse(text), text, context))
    .meta({ ...texts });
}

/** Text for which `fault` finds nothing to say. */
export function checkedText(texts: Texts, fault: (text: string) => string | null): z.ZodType<string, string> {
  return parsedText(texts, (text) => {
    const message = text.trim() === '' ? 'must not be empty' : fault(text);
    return message === null ? { ok: true, value: text } : { ok: false, message };
  });
}

export function plainText(title: string, description: string): z.ZodString {
  return z.string().meta({ title, description });
}

/** Milliseconds, from seconds or text with units. */
export function duration(
  description: string,
  bounds: { readonly minMs: number; readonly maxMs: number },
): z.ZodType<number, number | string> {
  const range = `${formatDurationMs(bounds.minMs)} to ${formatDurationMs(bounds.maxMs)}`;
  return z
    .union([z.number(), z.string()])
    .transform((value, context): number => {
      const parsed = parseDurationMs(value);
      const isWithin = parsed.ok && parsed.value >= bounds.minMs && parsed.value <= bounds.maxMs;
      if (!parsed.ok || isWithin) return valueOrIssue(parsed, value, context);
      return valueOrIssue({ ok: false, message: `${value} is out of range; use ${range}` }, value, context);
    })
    .meta({ title: durationForm, description: `${description} ${range}.` });
}

/** Bytes, from text with a unit. */
export function size(description: string, maxBytes: number): z.ZodType<number, string> {
  return parsedText({ title: sizeForm, description }, (text) => {
    const parsed = parseSizeBytes(text);
    if (!parsed.ok || (parsed.value > 0 && parsed.value <= maxBytes)) return parsed;
    return { ok: false, message: `"${text}" is out of range; use 1B to ${maxBytes / 1024 / 1024}MB` };
  });
}

export function wholeNumber(
  description: string,
  bounds: { readonly min: number; readonly max: number },
): z.ZodType<number, number> {
  const title = `a whole number from ${bounds.min} to ${bounds.max}`;
  return z.int().min(bounds.min).max(bounds.max).meta({ title, description });
}

/** Text, or a bare number, true or false: taken as it is written in the document (`1.50` stays `1.50`). */
export function scalarText(description: string): z.ZodType<string | number | boolean> {
  return z.union([z.string(), z.number(), z.boolean()]).meta({ title: 'text, a number, true or false', description });
}

function valueOrIssue<T>(parsed: Parsed<T>, input: unknown, context: z.RefinementCtx): T {
  if (parsed.ok) return parsed.value;
  context.issues.push({ code: 'custom', message: parsed.message, input });
  return z.NEVER;
}
