import { registryOf } from '../plan/registry.ts';
import { type StackConfig, stackSchema } from './schema.ts';

/** What is wrong with a stack's configuration: every problem at once, each with its key and the remedy. */
export class StackConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `the configuration of this stack has ${problems.length} problem(s):\n${problems.map((p) => `  ${p}`).join('\n')}`,
    );
    this.name = 'StackConfigError';
    this.problems = problems;
  }
}

export interface RawConfig {
  /** `gcp:project`, where it is set. */
  readonly project: string | undefined;
  readonly stack: string;
  /** All keys of the namespace `tutti`, without it; the values as Pulumi keeps them, lists and maps as JSON. */
  readonly values: Readonly<Record<string, string>>;
}

/** Fewer cannot lose a node; more make every write slower and no load larger. */
const MIN_VOTERS = 3;
const MAX_VOTERS = 7;
/** The quota of service accounts that a project begins with (cloud.google.com/iam/quotas). */
const MAX_NODES = 100;

/** Reads and checks the configuration of a stack, with defaults. Throws StackConfigError. Pure. */
export function parseStackConfig({ project, stack, values }: RawConfig): StackConfig {
  const own = Object.hasOwn(values, 'project') || Object.hasOwn(values, 'stack');
  const input = Object.fromEntries(Object.entries(values).map(([key, text]) => [key, readValue(key, text)]));
  const parsed = stackSchema.safeParse({ ...input, ...(project === undefined ? {} : { project }), stack });
  const misplaced = own ? ['tutti:project, tutti:stack: are not keys; the project is gcp:project'] : [];
  if (!parsed.success) throw new StackConfigError([...misplaced, ...parsed.error.issues.flatMap(describeIssue)]);
  const problems = [...misplaced, ...sizeProblems(parsed.data)];
  if (problems.length > 0) throw new StackConfigError(problems);
  return parsed.data;
}

/**
 * What a valid configuration asks for and this program cannot give yet, each with what can be had instead. Empty: all is built. A row
 * goes when what it names is there.
 */
export function notBuilt(config: StackConfig): readonly string[] {
  const asked: readonly (readonly [boolean, string])[] = [
    [
      config.deploy.kind === 'image' &&
        /(^|[.-])(pkg\.dev|gcr\.io)\//.test(config.deploy.image) &&
        registryOf(config.deploy.image)?.project !== config.project,
      'tutti:deploy: an image on gcr.io, or in Artifact Registry of another project, is not built (the nodes have no right to read it there); ' +
        'one in Artifact Registry of this project, or that anybody may pull, is',
    ],
  ];
  return asked.filter(([isAsked]) => isAsked).map(([, message]) => message);
}

function sizeProblems({ regions, nodesPerRegion, loadNodesPerRegion }: StackConfig): readonly string[] {
  const problems: string[] = [];
  const twice = regions.filter((region, index) => regions.indexOf(region) < index);
  for (const region of new Set(twice)) problems.push(`tutti:regions: names ${region} more than once; leave one`);
  const voters = regions.length * nodesPerRegion;
  const sum = `${regions.length} region(s) with ${nodesPerRegion} node(s) each are ${voters} voter(s)`;
  if (voters < MIN_VOTERS) {
    const enough = Math.ceil(MIN_VOTERS / regions.length);
    problems.push(
      `tutti:nodesPerRegion: ${sum}, and fewer than ${MIN_VOTERS} cannot lose any; \`pulumi config set tutti:nodesPerRegion ${enough}\`, or name more regions`,
    );
  }
  if (voters > MAX_VOTERS) {
    const most = Math.max(1, Math.floor(MAX_VOTERS / regions.length));
    problems.push(
      `tutti:nodesPerRegion: ${sum}, and at most ${MAX_VOTERS} are useful; \`pulumi config set tutti:nodesPerRegion ${most}\`, or name fewer regions`,
    );
  }
  const nodes = voters + regions.length * loadNodesPerRegion;
  if (nodes > MAX_NODES) {
    const most = Math.max(0, Math.floor((MAX_NODES - voters) / regions.length));
    problems.push(
      `tutti:loadNodesPerRegion: ${nodes} nodes in all, each with a service account, and a project has ${MAX_NODES} (its quota); \`pulumi config set tutti:loadNodesPerRegion ${most}\``,
    );
  }
  return problems;
}

const texts: ReadonlySet<string> = new Set(['plan', 'keys', 'bucketLocation']);

/** Pulumi keeps lists, maps, numbers and booleans as JSON; text that is none stays text, for the schema to judge. */
function readValue(key: string, text: string): unknown {
  if (texts.has(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string; readonly code?: string } & {
  readonly keys?: readonly string[];
};

function describeIssue({ path, message, code, keys }: Issue): readonly string[] {
  if (code !== 'unrecognized_keys') return [`${keyOf(path)}: ${message}`];
  const known =
    path.length === 0 ? Object.keys(stackSchema.shape).filter((key) => key !== 'project' && key !== 'stack') : [];
  const instead = known.length === 0 ? '' : ` (known: ${known.join(', ')})`;
  return (keys ?? []).map((key) => {
    const full = keyOf([...path, key]);
    return `${full}: is not a key${instead}; \`pulumi config rm --path ${full}\``;
  });
}

/** "tutti:regions[1]", as `pulumi config --path` writes it. */
function keyOf(path: readonly PropertyKey[]): string {
  const [first, ...rest] = path;
  if (first === 'project') return 'gcp:project';
  if (first === 'stack') return 'stack';
  return `tutti:${String(first)}${rest.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')}`;
}
