import type { CloudContext, CommandOptions } from './command.ts';
import { CloudFailure } from './failure.ts';

/** Asks before something is changed, unless `--yes` says so. Rejects with a CloudFailure where the answer is no, or nobody can be asked. */
export async function confirmed(
  { confirm }: Pick<CloudContext, 'confirm'>,
  options: CommandOptions,
  question: string,
): Promise<void> {
  if (options.yes === true) return;
  if (confirm === null) throw CloudFailure.input('nobody is there to ask: --yes does it without asking');
  if (!(await confirm(question))) throw new CloudFailure('nothing was changed');
}
