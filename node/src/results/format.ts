/** 1234567 as 1,234,567. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Three figures in the unit that suits: 0.42 ms, 12.3 ms, 456 ms, 1.23 s, 75.0 s. */
export function formatMs(ms: number): string {
  if (ms < 1_000 && Number(threeFigures(ms)) < 1_000) return `${threeFigures(ms)} ms`;
  return `${threeFigures(ms / 1_000)} s`;
}

/** Two decimals at most: microseconds are measured, but no network repeats them. */
function threeFigures(value: number): string {
  if (value >= 99.95) return String(Math.round(value));
  return value.toFixed(value >= 9.995 ? 1 : 2);
}

/** A rate per second: whole from 100 on. */
export function formatRate(perSecond: number): string {
  return perSecond >= 100 ? formatCount(perSecond) : perSecond.toFixed(1);
}

/** Never 0 % of something, and never 100 % of less than everything. */
export function formatShare(part: number, whole: number): string {
  if (part === 0 || whole === 0) return '0 %';
  if (part === whole) return '100 %';
  const percent = (part / whole) * 100;
  if (percent < 0.1) return '<0.1 %';
  return percent > 99.9 ? '>99.9 %' : `${percent.toFixed(1)} %`;
}

const byteUnits = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Powers of 1000. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < byteUnits.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? String(value) : threeFigures(value)} ${byteUnits[unit]!}`;
}

/** Run time: tenths of a second, minutes from two on. */
export function formatRunTime(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  return `${hours > 0 ? `${hours} h ` : ''}${minutes} min ${rest} s`;
}
