export type Lines = readonly string[];

/** Colours as a terminal knows them; without colour each is the identity. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

export function paint(color: boolean): Paint {
  const code =
    (on: number, off: number) =>
    (text: string): string =>
      color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) };
}

/**
 * Rows in columns: the first to the left and cut to what `width` leaves it, the rest to the right. Cells are plain text;
 * colours go over whole lines, so that they count no column.
 */
export function layOut(rows: readonly (readonly string[])[], width: number): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const rest = widths.slice(1).reduce((sum, each) => sum + each + 2, 0);
  const longest = widths[0] ?? 0;
  const first = Math.min(longest, Math.max(minNameWidth, width - rest));
  return rows.map(([name = '', ...cells]) => {
    const aligned = cells.map((cell, index) => `  ${cell.padStart(widths[index + 1]!)}`).join('');
    return (clip(name, first).padEnd(first) + aligned).trimEnd();
  });
}

/** A step's name stays recognisable in a very narrow terminal, even if the line then wraps. */
const minNameWidth = 12;

export function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

/** Breaks at blanks and keeps a leading indent; lines after the first begin with `indent`. */
export function wrap(text: string, width: number, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = / */.exec(text)![0];
  let empty = true;
  for (const word of text.trim().split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

const levels = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/**
 * One character a second, from zero to the highest. Where there are more seconds than columns, each column stands for several
 * and shows the LOWEST of them: a dip of one second must not drown in its neighbours.
 */
export function sparkline(series: readonly number[], width: number): string {
  const perColumn = Math.max(1, Math.ceil(series.length / Math.max(1, width)));
  const columns = Array.from({ length: Math.ceil(series.length / perColumn) }, (_, column) =>
    Math.min(...series.slice(column * perColumn, (column + 1) * perColumn)),
  );
  const top = Math.max(1, ...columns);
  return columns.map((value) => (value === 0 ? '_' : levels[Math.ceil((value / top) * 8) - 1]!)).join('');
}
