/** Of the log itself, or shown where every line has them. */
const apart: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'node', 'term', 'run', 'stack']);
/** Bytes that would move the cursor of a terminal or colour it; peers may send them. */
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * A record of the log for people: what happened, in brackets what the sentence does not say already, then where: node, term and
 * run. One line; only a message that has several, and the stack of a bug, go on below, indented.
 */
export function textLine(record: Readonly<Record<string, unknown>>): string {
  const message = typeof record.msg === 'string' ? record.msg : '';
  const known = Object.entries(record).flatMap(([key, value]) => (apart.has(key) ? [] : field(key, value, message)));
  const where = [
    ...(record.node === undefined ? [] : [`node ${plain(record.node)}`]),
    ...(record.term === undefined ? [] : [`term ${plain(record.term)}`]),
    ...(record.run === undefined ? [] : [plain(record.run)]),
  ];
  const line = [
    message,
    ...(known.length === 0 ? [] : [`(${known.join(', ')})`]),
    ...(where.length === 0 ? [] : ['·', where.join(', ')]),
  ].join(' ');
  const stack = typeof record.stack === 'string' ? `\n${record.stack}` : '';
  return `${line}${stack}`.replace(unsafe, '').replaceAll('\n', '\n    ');
}

function field(key: string, value: unknown, message: string): readonly string[] {
  const text = plain(value);
  // A number may be there for something else.
  if (value === undefined || (isSaid(text, message) && (typeof value !== 'number' || isSaid(key, message)))) return [];
  if (Array.isArray(value)) return [`${key} [${text}]`];
  return key.endsWith('Ms') && typeof value === 'number' ? [`${key.slice(0, -2)} ${text} ms`] : [`${key} ${text}`];
}

/** As words of the message, not as a part of one: 3 is not said by 30. */
function isSaid(text: string, message: string): boolean {
  const isInWord = (character: string | undefined): boolean => character !== undefined && /\w/.test(character);
  for (let at = message.indexOf(text); text !== '' && at >= 0; at = message.indexOf(text, at + 1)) {
    if (!isInWord(message[at - 1]) && !isInWord(message[at + text.length])) return true;
  }
  return false;
}

function plain(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : rounded(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(plain).join(', ');
  if (value === null || value === undefined) return 'none';
  // An error as pino writes it: what it says is what counts.
  if (typeof value === 'object' && 'message' in value) return plain(value.message);
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'number' ? Number(plain(part)) : part));
}

/** A record for machines: its numbers with no more figures than people are shown. Errors and what is no plain value stay as they are. */
export function roundedRecord(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, roundedValue(value)]));
}

function roundedValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(rounded(value));
  if (Array.isArray(value)) return value.map(roundedValue);
  const isPlain = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? roundedRecord(value) : value;
}

/** No more figures than anybody compares: 512, 1.5, 0.12. */
function rounded(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return size >= 1 ? value.toFixed(1) : String(Number(value.toPrecision(2)));
}
