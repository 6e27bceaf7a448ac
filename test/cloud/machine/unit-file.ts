/** What the stand-in for systemd obeys (systemd.unit(5), systemd.service(5)). Whatever else a unit says is refused, not passed over. */
const known: Readonly<Record<string, readonly string[]>> = {
  Unit: ['Description', 'Documentation', 'Wants', 'Requires', 'After', 'ConditionPathExists', 'StartLimitIntervalSec'],
  Service: [
    ...[
      'Type',
      'RemainAfterExit',
      'ExecStartPre',
      'ExecStart',
      'ExecStop',
      'Restart',
      'RestartSec',
      'RestartPreventExitStatus',
    ],
    ...['TimeoutStartSec', 'TimeoutStopSec', 'Environment', 'EnvironmentFile'],
  ],
  Timer: ['OnBootSec', 'OnUnitActiveSec', 'OnUnitInactiveSec', 'RandomizedDelaySec', 'Unit', 'AccuracySec'],
  Install: ['WantedBy'],
};

/** Of a unit file: section and directive, and what was assigned to it, in order. */
export type UnitFile = ReadonlyMap<string, readonly string[]>;

/** Parses systemd.syntax(7). Throws with the name of the unit for what the stand-in would not obey. */
export function parseUnit(name: string, text: string): UnitFile {
  const found = new Map<string, string[]>();
  let section = '';
  for (const line of logicalLines(text)) {
    const header = /^\[(\w+)\]$/.exec(line);
    if (header !== null) {
      section = header[1]!;
      continue;
    }
    const at = line.indexOf('=');
    const directive = line.slice(0, at).trim();
    if (at < 0 || known[section]?.includes(directive) !== true)
      throw new Error(`${name}: the stand-in for systemd does not know [${section}] ${line}`);
    const key = `${section}.${directive}`;
    const value = line.slice(at + 1).trim();
    // An empty assignment resets a list.
    if (value === '') found.delete(key);
    else found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

/** Without comments, and with lines joined that end in a backslash; comments between them are skipped as well. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = [];
  let pending = '';
  for (const line of text.split('\n')) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) pending += `${line.slice(0, -1)} `;
    else {
      const whole = `${pending}${line}`.trim();
      if (whole !== '') lines.push(whole);
      pending = '';
    }
  }
  return lines;
}

export const listOf = (unit: UnitFile, key: string): readonly string[] =>
  (unit.get(key) ?? []).flatMap((value) => value.split(/\s+/));
export const lastOf = (unit: UnitFile, key: string): string | null => unit.get(key)?.at(-1) ?? null;

/** A command of a unit, and whether its failure is passed over. */
export interface UnitCommand {
  readonly words: readonly string[];
  readonly mayFail: boolean;
}

/** Splits as systemd does: words, quotes, no shell. Throws for expansions, of which none is needed. */
export function commandOf(line: string): UnitCommand {
  const mayFail = line.startsWith('-');
  const rest = mayFail ? line.slice(1) : line;
  if (/[$%@+!|]/.test(rest.split(/\s/)[0]!) || /[$%]/.test(rest.replaceAll('%%', '')))
    throw new Error(`the stand-in for systemd expands nothing: ${line}`);
  const words = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare!,
  );
  return { words, mayFail };
}

/** "600", "5s", "10min", "infinity": milliseconds. */
export function durationMs(text: string): number {
  if (text === 'infinity') return Infinity;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|sec|min|h)?$/.exec(text);
  if (match === null) throw new Error(`"${text}" is no time that the stand-in for systemd knows`);
  const factors: Readonly<Record<string, number>> = { ms: 1, s: 1000, sec: 1000, min: 60_000, h: 3_600_000 };
  return Number(match[1]) * factors[match[2] ?? 's']!;
}
