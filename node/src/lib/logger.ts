import { pino } from 'pino';
import pretty from 'pino-pretty';
import type { Log } from './log.ts';
import { roundedRecord, textLine } from './text-line.ts';

/** Lines to stderr: JSON for machines, readable for people. `fields` are put on each line as they are at that moment. */
export function createLog(options: {
  readonly level: string;
  readonly format: 'text' | 'json' | null;
  readonly fields: () => object;
}): Log {
  const format = options.format ?? (process.stderr.isTTY ? 'text' : 'json');
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: options.fields,
    // Without it an error is written without what it says.
    serializers: { error: pino.stdSerializers.err },
  };
  // Written synchronously: the last line before a crash is the one that is needed.
  if (format === 'json')
    return pino(
      { ...settings, formatters: { ...settings.formatters, log: roundedRecord } },
      pino.destination({ dest: 2, sync: true }),
    );
  const colorize = process.stderr.isTTY && (process.env.NO_COLOR ?? '') === '';
  return pino(
    settings,
    pretty({
      colorize,
      destination: 2,
      sync: true,
      translateTime: 'SYS:HH:MM:ss.l',
      messageFormat: (record) => textLine(record),
      hideObject: true,
    }),
  );
}
