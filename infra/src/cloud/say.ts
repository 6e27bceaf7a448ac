import { wantsColor } from '../../../node/src/cli/output.ts';

export type Colour = 'green' | 'yellow' | 'red' | 'dim';

/** What the user gets to see: progress on stderr, what was asked for on stdout. */
export interface Say {
  /** Whether what was asked for is to be JSON. */
  readonly json: boolean;
  readonly progress: (line: string) => void;
  /** Lines for a person, or, with `--json`, the value alone. */
  readonly result: (value: object, lines: () => readonly string[]) => void;
  readonly paint: (colour: Colour, text: string) => string;
}

const codes: Readonly<Record<Colour, number>> = { green: 32, yellow: 33, red: 31, dim: 2 };

export function sayTo(out: NodeJS.WriteStream, progress: NodeJS.WriteStream, json: boolean): Say {
  return {
    json,
    progress: (line) => progress.write(`${line}\n`),
    result: (value, lines) => out.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${lines().join('\n')}\n`),
    paint: (colour, text) => (!json && wantsColor(out) ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text),
  };
}
