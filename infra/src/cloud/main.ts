import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { fail } from '../../../node/src/cli/output.ts';
import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import type { CloudCommand, CloudContext, CommandOptions } from './command.ts';
import { destroy } from './commands/destroy.ts';
import { doctor } from './commands/doctor.ts';
import { keys } from './commands/keys.ts';
import { logs } from './commands/logs.ts';
import { result } from './commands/result.ts';
import { roll } from './commands/roll.ts';
import { status } from './commands/status.ts';
import { tunnel } from './commands/tunnel.ts';
import { up } from './commands/up.ts';
import { upload } from './commands/upload.ts';
import { aboutItsProject } from './engine/about-its-project.ts';
import { automationEngine } from './engine/automation.ts';
import { CloudFailure } from './failure.ts';
import { computeOf } from './google/compute.ts';
import { applicationDefault } from './google/credentials.ts';
import { endpointsOf } from './google/endpoints.ts';
import { loggingOf } from './google/logging.ts';
import { projectFactsOf } from './google/project.ts';
import { GoogleRest } from './google/rest.ts';
import { secretsOf } from './google/secrets.ts';
import { storageOf } from './google/storage.ts';
import { gcloudReach } from './reach/gcloud.ts';
import { sayTo } from './say.ts';

/** In the order in which they are used. */
export const commands: readonly CloudCommand[] = [
  doctor,
  up,
  keys,
  status,
  upload,
  result,
  logs,
  tunnel,
  roll,
  destroy,
];

/** Where Pulumi.yaml is. */
const infra = fileURLToPath(new URL('../..', import.meta.url));

const exitCodeHelp = `
Exit codes:
    0  done
    1  it could not be done; the message says why
  104  what was given cannot be used: a plan, a configuration, a flag
  122  there is no cluster, or nothing of it came in time
  130  interrupted
  upload --wait and result end as \`tutti submit --wait\` does: tutti --help`;

/** The command line of `scripts/cloud`. Ends the process. */
export async function main(argv: readonly string[]): Promise<never> {
  const program = new Command('scripts/cloud')
    .description(
      'A load test on Google Cloud: from an empty project to a result, and away again (docs/google-cloud.md).',
    )
    .showHelpAfterError('(scripts/cloud --help lists the commands)')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      `\nExamples:\n  scripts/cloud doctor\n  scripts/cloud up\n  scripts/cloud upload examples/checkout.yaml --wait\n  scripts/cloud destroy\n${exitCodeHelp}`,
    );
  for (const command of commands) add(program, command);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError) process.exit(thrown.exitCode === 0 ? exitCodes.ok : exitCodes.invalidInput);
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    if (!(thrown instanceof CloudFailure)) fail(thrown);
    process.stderr.write(`scripts/cloud: ${thrown.message}\n`);
    process.exit(thrown.exitCode);
  }
  process.exit();
}

function add(program: Command, { usage, description, options, examples, notes, run }: CloudCommand): void {
  const command = program.command(usage).description(description);
  for (const [flags, text, fallback] of options) command.option(flags, text, fallback);
  command
    .option('--stack <name>', 'of Pulumi; otherwise the one that is selected')
    .option('--cwd <folder>', 'where Pulumi.yaml is, as for pulumi itself', infra)
    .option('--json', 'print JSON for machines')
    .addHelpText('after', `${notes === undefined ? '' : `\n${notes}\n`}\nExamples:\n  ${examples.join('\n  ')}\n`)
    .action(async (...given: unknown[]) => {
      const chosen = given.at(-2) as CommandOptions;
      const args = given.slice(0, -2).filter((arg) => typeof arg === 'string');
      process.exitCode = await run(contextOf(chosen), args, chosen);
    });
}

const interrupted = new AbortController();
/** Of pulumi: a terminal's Ctrl-C reaches it by itself, and a second one would have it drop everything. */
const terminated = new AbortController();

function contextOf(options: CommandOptions): CloudContext {
  process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
  process.once('SIGTERM', () => {
    interrupted.abort(new Error('interrupted'));
    terminated.abort();
  });
  const { signal } = interrupted;
  const authorize = applicationDefault();
  const stack = typeof options.stack === 'string' ? options.stack : null;
  const folder = String(options.cwd);
  const { engine, projectId } = aboutItsProject(automationEngine({ folder, stack, signal: terminated.signal }));
  const rest = new GoogleRest({ endpoints: endpointsOf(process.env), authorize, signal, quotaProject: projectId });
  return {
    engine,
    compute: computeOf(rest),
    storage: storageOf(rest),
    logging: loggingOf(rest),
    secrets: secretsOf(rest),
    facts: projectFactsOf(rest, authorize),
    reach: gcloudReach(signal),
    say: sayTo(process.stdout, process.stderr, options.json === true),
    nowMs: () => performance.now(),
    pause: (ms) => delay(ms, undefined, { signal }),
    signal,
    confirm: process.stdin.isTTY && process.stderr.isTTY ? askUser : null,
  };
}

async function askUser(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
