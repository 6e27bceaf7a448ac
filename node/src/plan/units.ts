/** A value, or why there is none: the message continues "..., found X" style sentences of the plan's problems. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

const msPerUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const bytesPerUnit: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 * 1024 };

export const durationForm = 'a duration: seconds as a number, or text such as "500ms", "30s", "1.5m", "1h30m", "2d"';
export const sizeForm = 'a size such as "512B", "64KB" or "1MB"';

/**
 * Milliseconds of a duration, rounded to whole ones. A number means seconds; text is one or more numbers with the units
 * d, h, m, s, ms, largest first, each at most once. Wider than the Rust tool, which knows whole numbers of one unit.
 */
export function parseDurationMs(value: number | string): Parsed<number> {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0) return wrong(`${value} is not a duration; write ${durationForm}`);
    return { ok: true, value: Math.round(value * 1000) };
  }
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) {
    return wrong(`"${clip(value)}" has no unit; write ${text}s, ${text}ms or ${text}m, or the bare number for seconds`);
  }
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return wrong(`"${clip(value)}" is not ${durationForm}`);
  let sumMs = 0;
  let previousUnitMs = Infinity;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    const unitMs = msPerUnit[unit!]!;
    if (unitMs >= previousUnitMs) {
      return wrong(`"${clip(value)}" has its units out of order; write the largest first, each at most once: 1h30m`);
    }
    previousUnitMs = unitMs;
    sumMs += Number(amount) * unitMs;
  }
  return { ok: true, value: Math.round(sumMs) };
}

/** Bytes of a size: a whole number and B, KB (1024) or MB (1024 x 1024), upper case, as the Rust tool has it. */
export function parseSizeBytes(value: string): Parsed<number> {
  const match = /^(\d+)\s*(B|KB|MB)$/.exec(value.trim());
  if (match === null) return wrong(`"${clip(value)}" is not ${sizeForm}; units are B, KB and MB in upper case`);
  return { ok: true, value: Number(match[1]) * bytesPerUnit[match[2]!]! };
}

/** A duration in the largest unit that shows it whole: 90000 is "90s", 3600000 is "1h". */
export function formatDurationMs(ms: number): string {
  const [unit, unitMs] = Object.entries(msPerUnit).findLast(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

/** Text as it may stand in a message: one line, not longer than a person reads. */
export function clip(text: string, maxLength = 60): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, ' ');
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}...`;
}

function wrong(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
