import { formatRunTime } from './format.ts';
import type { RunReport } from './report.ts';
import { errors, steps, totals } from './text-figures.ts';
import { books, majority, nodes, picture } from './text-course.ts';
import { clip, paint, wrap, type Lines, type Paint } from './text-layout.ts';

export interface TextOptions {
  /** ANSI colours; the caller knows NO_COLOR and whether it writes to a terminal. */
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

/** The report for people who see it for the first time, without a line feed at its end. Pure. */
export function renderReport(report: RunReport, options: TextOptions): string {
  const colors = paint(options.color);
  // What never began has no figures: a page of empty tables would look like a result.
  const figures: readonly Lines[] =
    report.verdict.kind === 'aborted'
      ? [books(report, colors)]
      : [
          totals(report),
          steps(report, colors, options.width),
          errors(report, colors),
          picture(report, colors, options.width),
          books(report, colors),
          majority(report, colors, options.width),
          nodes(report, colors, options.width),
        ];
  const sections = [headline(report, colors, options.width), ...figures];
  const filled = sections.filter((section) => section.length > 0);
  return filled.map((section) => section.join('\n')).join('\n\n');
}

function headline({ run, verdict }: RunReport, colors: Paint, width: number): Lines {
  const how = run.ended === null ? run.state : run.state === 'aborted' ? 'aborted' : run.ended;
  const isWhole = run.durationMs >= run.plannedDurationMs;
  const reached = formatRunTime(run.durationMs);
  const time = isWhole ? reached : `${reached} of ${formatRunTime(run.plannedDurationMs)}`;
  const title = [run.planName ?? 'unnamed plan', `run ${run.id}`, time, how].join('  ·  ');
  const name = colors.bold(clip(title, width));
  const said = (text: string): Lines => wrap(text, width, '  ').map(inks(colors)[verdict.kind]);
  if (verdict.kind === 'aborted')
    return [name, ...said(`ABORTED ${verdictMeanings.aborted}: ${verdict.reasons.join('; ')}`)];
  const reasons = verdict.reasons.flatMap((reason) => wrap(`  - ${reason}`, width, '    '));
  const isCutShort = !isWhole && run.ended === 'stopped';
  return [name, ...said(isCutShort ? stoppedVerdict(verdict, time) : wholeVerdict(run, verdict)), ...reasons];
}

const inks = (colors: Paint): Record<RunReport['verdict']['kind'], (text: string) => string> => ({
  valid: colors.green,
  running: colors.green,
  'generator-limited': colors.yellow,
  degraded: colors.red,
  aborted: colors.red,
});

function wholeVerdict(run: RunReport['run'], { kind }: RunReport['verdict']): string {
  // While the run is on, only what went wrong is certain.
  const word = kind === 'running' ? 'VALID' : kind.toUpperCase();
  return `${word}${run.ended === null ? ' SO FAR' : ''}: ${verdictMeanings[kind]}`;
}

/** Of a run that was cut short nothing is as planned but the part before. */
function stoppedVerdict({ kind }: RunReport['verdict'], time: string): string {
  if (kind === 'valid') return `VALID UNTIL IT WAS STOPPED at ${time}: up to there ${verdictMeanings.valid}`;
  return `${kind.toUpperCase()}, AND STOPPED at ${time}: ${verdictMeanings[kind]}`;
}

const verdictMeanings = {
  valid: 'the load was sent as planned, and every measurement is in',
  running: 'nothing has gone wrong',
  'generator-limited': 'the generators could not send the load as planned',
  degraded: 'part of the load or of its measurements is missing',
  aborted: 'before its start, no load was sent',
} as const satisfies Record<RunReport['verdict']['kind'], string>;
