/**
 * An idle process of normal priority that notes when the machine itself stood still: each time it was woken more than 10 ms late.
 * What it lost at a moment, nobody else can be blamed for.
 */
const periodMs = 2;
const lateMs = 10;
const pauses: { readonly atMs: number; readonly lostMs: number }[] = [];
const maxPauses = 100_000;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
let last = now();
setInterval(() => {
  const at = now();
  const lostMs = at - last - periodMs;
  if (lostMs > lateMs && pauses.length < maxPauses) pauses.push({ atMs: at, lostMs });
  last = at;
}, periodMs);

process.on('message', () => process.send?.({ pauses }));
process.on('disconnect', () => process.exit(0));
