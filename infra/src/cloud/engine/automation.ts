import type { EngineEvent, OpMap, Stack } from '@pulumi/pulumi/automation/index.js';
import { resolve } from 'node:path';
import { loadPlan } from '../../../../node/src/cli/plan-file.ts';
import { exitCodes } from '../../../../node/src/lib/exit-codes.ts';
import { TuttiError } from '../../../../node/src/lib/errors.ts';
import { parseStackConfig, StackConfigError } from '../../config/parse.ts';
import type { StackConfig } from '../../config/schema.ts';
import { outputsSchema, type StackOutputs } from '../../outputs.ts';
import { CloudFailure } from '../failure.ts';
import type { Changes, Engine, Tell } from './engine.ts';
import { EventLines, plain } from './events.ts';

export interface AutomationOptions {
  /** The folder with Pulumi.yaml. */
  readonly folder: string;
  /** Null: the one that is selected (`pulumi stack select`). */
  readonly stack: string | null;
  readonly signal: AbortSignal;
}

/** The engine itself: the `pulumi` on the PATH, on the local program and its state. It is asked when it is first needed. */
export function automationEngine(options: AutomationOptions): Engine {
  let opened: Promise<Stack> | null = null;
  const open = (): Promise<Stack> => (opened ??= openStack(options));
  const { signal } = options;
  const watched = async (
    isPreview: boolean,
    tell: Tell,
    operation: (stack: Stack, onEvent: (event: EngineEvent) => void) => Promise<OpMap | undefined>,
  ): Promise<Changes> => {
    const lines = new EventLines(isPreview);
    const onEvent = (event: EngineEvent): void => {
      const line = lines.of(event);
      if (line !== null) tell(line);
    };
    try {
      return (await operation(await open(), onEvent)) ?? {};
    } catch (thrown) {
      throw engineFailure(thrown);
    }
  };
  return {
    stack: async () => (await open()).name,
    config: async () => configOf(await open()),
    async checkPlan() {
      const { plan } = await configOf(await open());
      orInputFailure(() => loadPlan(resolve(options.folder, plan)));
    },
    async outputs() {
      const outputs = await (await open()).outputs().catch((thrown: unknown) => {
        throw engineFailure(thrown);
      });
      return readOutputs(
        Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value as unknown])),
      );
    },
    preview: (tell) =>
      watched(true, tell, async (stack, onEvent) => (await stack.preview({ onEvent, signal })).changeSummary),
    up: (tell) =>
      watched(false, tell, async (stack, onEvent) => (await stack.up({ onEvent, signal })).summary.resourceChanges),
    previewDestroy: (tell) =>
      watched(true, tell, async (stack, onEvent) => (await stack.previewDestroy({ onEvent, signal })).changeSummary),
    destroy: (tell) =>
      watched(
        false,
        tell,
        async (stack, onEvent) => (await stack.destroy({ onEvent, signal })).summary.resourceChanges,
      ),
  };
}

async function configOf(stack: Stack): Promise<StackConfig> {
  const all = await stack.getAllConfig().catch((thrown: unknown) => {
    throw engineFailure(thrown);
  });
  const own = Object.entries(all).filter(([key]) => key.startsWith('tutti:'));
  const values = Object.fromEntries(own.map(([key, { value }]) => [key.slice('tutti:'.length), value]));
  return orInputFailure(() => parseStackConfig({ project: all['gcp:project']?.value, stack: stack.name, values }));
}

function orInputFailure<Made>(make: () => Made): Made {
  try {
    return make();
  } catch (thrown) {
    const isInput = thrown instanceof StackConfigError || TuttiError.from(thrown).code === 'PLAN_INVALID';
    throw isInput ? CloudFailure.input((thrown as Error).message) : thrown;
  }
}

/** Null: there are none. Throws CloudFailure where they are those of another version of the program. */
export function readOutputs(outputs: Readonly<Record<string, unknown>>): StackOutputs | null {
  if (Object.keys(outputs).length === 0) return null;
  const parsed = outputsSchema.safeParse(outputs);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new CloudFailure(
    `the outputs of the stack are not those that this version reads (${problems}); bring it up to date: scripts/cloud up`,
  );
}

async function openStack({ folder, stack }: AutomationOptions): Promise<Stack> {
  const { LocalWorkspace, Stack } = await import('@pulumi/pulumi/automation/index.js');
  try {
    const workspace = await LocalWorkspace.create({ workDir: folder });
    const name = stack ?? (await workspace.stack())?.name;
    if (name === undefined)
      throw CloudFailure.input(
        `no stack is selected in ${folder}; --stack NAME, or: cd ${folder} && pulumi stack select (pulumi stack init NAME makes one)`,
      );
    return await Stack.select(name, workspace);
  } catch (thrown) {
    throw engineFailure(thrown);
  }
}

/** The last lines of what the CLI has to say: the whole of it holds the command and all that was shown before. */
function engineFailure(thrown: unknown): CloudFailure {
  if (thrown instanceof CloudFailure) return thrown;
  const error = thrown as Error & { readonly code?: string };
  if (error.code === 'ENOENT' || error.message.includes('ENOENT'))
    return new CloudFailure('pulumi was not found on the PATH; install it: curl -fsSL https://get.pulumi.com | sh', 1, {
      cause: thrown,
    });
  const text = plain(error.message);
  const stderr = /stderr: ([^]*?)(?:\n\s*err\?: |$)/.exec(text)?.[1]?.trim() ?? '';
  const isMissing = /no stack named '([^']+)' found/.exec(text);
  const remedy = isMissing === null ? '' : `; make it: pulumi stack init ${isMissing[1] ?? ''}`;
  return new CloudFailure(
    `pulumi: ${(stderr === '' ? text : stderr).split('\n').slice(-12).join('\n')}${remedy}`,
    isMissing === null ? exitCodes.unexpected : exitCodes.invalidInput,
    { cause: thrown },
  );
}
