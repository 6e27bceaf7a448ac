import { homedir } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { type CloudCommand, type CommandOptions, textOf } from '../command.ts';
import { deployedStack } from '../deployed.ts';
import { CloudFailure } from '../failure.ts';
import { type AuthorityStep, authoritySteps, openAuthorities } from '../keys/authorities.ts';
import { type KeysNode, uploadKeys } from '../keys/upload.ts';
import type { StackOutputs } from '../../outputs.ts';

/** For `tutti:keys` `external`: keys made here, of which only the authority stays here. */
export const keys: CloudCommand = {
  usage: 'keys',
  description: 'Make a key and a certificate for each node and upload them to Secret Manager (tutti:keys external).',
  options: [
    ['--folder <folder>', 'where the authority is kept; otherwise ~/.config/tutti/keys/PROJECT/STACK'],
    ['--authority <step>', `exchange the authority: ${authoritySteps.join(', then ')}`],
    ['--new-token', 'another token of the API, too'],
  ],
  examples: ['scripts/cloud keys', 'scripts/cloud keys --authority add'],
  notes:
    'Each node takes its new keys within five minutes, without a restart. Between two steps of --authority wait for that:\n' +
    'journalctl -u tutti-credentials and the log of the node ("takes the changed keys") tell. `openssl` is needed.',
  async run(context, _args, options) {
    const step = stepOf(options);
    const outputs = await deployedStack(context);
    const { nodes, tokenSecret } = secretsIn(outputs);
    const folder = textOf(options, 'folder') ?? join(homedir(), '.config/tutti/keys', outputs.project, outputs.stack);
    const authorities = tryTo(() => openAuthorities(folder, `tutti ${outputs.stack}`, step));
    context.say.progress(`the authority is kept in ${folder}: nobody else may read it, and a node never needs it`);
    const versions = await uploadKeys({
      ...{ nodes, authorities, tokenSecret, secrets: context.secrets },
      isNewToken: options.newToken === true,
      progress: (line) => context.say.progress(line),
    });
    const next = nextOf(step, outputs.stack);
    context.say.result({ versions, folder, next }, () => [`${versions.length} versions uploaded`, `next: ${next}`]);
    return exitCodes.ok;
  },
};

function stepOf(options: CommandOptions): AuthorityStep | null {
  const given = textOf(options, 'authority');
  const step = authoritySteps.find((one) => one === given);
  if (given !== null && step === undefined) {
    throw CloudFailure.input(`--authority: must be ${authoritySteps.join(', ')}, not '${given}'`);
  }
  return step ?? null;
}

/** Where the keys go. Throws CloudFailure for a stack whose keys are made otherwise. */
function secretsIn({ keys: kind, nodes, apiToken: tokenSecret }: StackOutputs): {
  readonly nodes: readonly KeysNode[];
  readonly tokenSecret: string;
} {
  if (kind !== 'external' || tokenSecret === null) {
    const why = kind === 'state' ? 'makes the keys of this stack itself' : 'gives this stack no keys';
    throw CloudFailure.input(
      `\`pulumi up\` ${why} (tutti:keys ${kind}); to make them here: pulumi config set tutti:keys external, scripts/cloud up`,
    );
  }
  const own = nodes.flatMap(({ id, internalIp, keysSecret }) =>
    keysSecret === null ? [] : [{ id, internalIp, secret: keysSecret }],
  );
  return { nodes: own, tokenSecret };
}

function tryTo<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (thrown) {
    throw CloudFailure.input((thrown as Error).message);
  }
}

function nextOf(step: AuthorityStep | null, stack: string): string {
  switch (step) {
    case 'add':
      return `once every node has taken its keys: scripts/cloud keys --authority switch --stack ${stack}`;
    case 'switch':
      return `once every node has taken its keys: scripts/cloud keys --authority drop --stack ${stack}`;
    case 'drop':
    case null:
      return `scripts/cloud status --stack ${stack}`;
  }
}
