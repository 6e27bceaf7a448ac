import { Command } from 'commander';
import { exitCodeMeanings, exitCodes } from '../lib/exit-codes.ts';
import { addCredentialsCommand } from './credentials.ts';
import { addNodeCommand, withSwitches } from './node.ts';
import { fail } from './output.ts';
import { addRunCommands } from './run.ts';
import { addClusterCommands } from './cluster.ts';

const exitCodeHelp = Object.entries(exitCodeMeanings)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join('\n');

/** `tutti`: parts that only one command needs are loaded by that command, so that a standalone run never sees the cluster. */
const program = new Command('tutti')
  .description('One HTTP load test from many machines, as if they were one.')
  .version('0.1.0')
  .showHelpAfterError('(tutti --help lists the commands)')
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    `
Examples:
  tutti validate examples/checkout.yaml        look at a plan without sending load
  tutti run examples/minimal.yaml              run it on this machine alone
  tutti node --nodes a=127.0.0.1:7001,b=...    be one node of a cluster
  tutti submit examples/checkout.yaml --wait   run it on a cluster, from any node

Exit codes:
${exitCodeHelp}
`,
  );

// Before the commands are added: each takes it over as it is then.
program.exitOverride((error) => {
  // Help and --version end with 0; a command line that cannot be understood is bad input like a bad plan.
  process.exit(error.exitCode === 0 ? exitCodes.ok : exitCodes.invalidInput);
});
addRunCommands(program);
addNodeCommand(program);
addClusterCommands(program);
addCredentialsCommand(program);
await program.parseAsync(withSwitches(process.argv)).catch(fail);
