import { randomBytes } from 'node:crypto';
import { Refusal, foreseen, type Cloud } from './cloud.ts';
import { compare, judge } from './judge.ts';
import type { ResourceKind } from './resource-kind.ts';
import type { Problem } from './shape.ts';
import { type Shapes, shapesOf, versionOf } from './shapes.ts';
import { bareAll, hasUnknown, secret, isSecret, textOf, type Values } from './values.ts';

export interface ProviderOptions {
  /** "gcp". */
  readonly name: string;
  readonly kinds: Readonly<Record<string, ResourceKind>>;
  readonly cloud: Cloud;
  /** What the provider's configuration must have, by the name of the key. */
  readonly requiredConfig: readonly string[];
}

export interface Checked {
  readonly inputs: Values;
  readonly problems: readonly Problem[];
}

export interface Difference {
  readonly changes: readonly string[];
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

export interface State {
  readonly id: string;
  readonly outputs: Values;
}

/** Names that the provider made; beside the inputs, as the real ones keep it. */
const MADE_NAMES = '__defaults';

/** What a resource provider decides, without the protocol that it is asked by (serve-provider.ts). */
export class Provider {
  readonly name: string;
  readonly version: string;
  readonly #options: ProviderOptions;
  readonly #shapes: Shapes;

  constructor(options: ProviderOptions) {
    this.#options = options;
    this.name = options.name;
    const package_ = `@pulumi/${options.name}`;
    this.version = versionOf(package_);
    this.#shapes = shapesOf(
      package_,
      Object.values(options.kinds).map(({ module }) => module),
    );
  }

  checkConfig(config: Values): readonly Problem[] {
    const missing = this.#options.requiredConfig.filter((key) => typeof config[key] !== 'string' || config[key] === '');
    return missing.map((path) => ({ path, reason: `is required: pulumi config set ${this.name}:${path} ...` }));
  }

  check(type: string, urn: string, before: Values, given: Values): Checked {
    const kind = this.kindOf(type);
    const inputs = withName(kind, urn, before, given);
    return { inputs, problems: judge(kind, this.#shapes[kind.module]!, withoutMark(inputs)) };
  }

  diff(type: string, before: Values, after: Values): Difference {
    const kind = this.kindOf(type);
    const { changes, replaces } = compare(kind, withoutMark(before), withoutMark(after));
    // The new one cannot have the name of the old one while that is there.
    const isNamedByProgram = kind.autonamed === undefined || !madeNames(after).includes(kind.autonamed);
    return { changes, replaces, deleteBeforeReplace: replaces.length > 0 && isNamedByProgram };
  }

  async create(type: string, config: Values, given: Values, isPreview: boolean): Promise<State> {
    const kind = this.kindOf(type);
    const inputs = withoutMark(given);
    if (isPreview || hasUnknown(inputs)) return { id: '', outputs: foreseen(kind, inputs) };
    const made = await this.#options.cloud.make(type, this.#projectIn(config), bareAll(inputs));
    return { id: made.id, outputs: keepSecret(made.outputs, inputs) };
  }

  async update(type: string, id: string, before: Values, given: Values, isPreview: boolean): Promise<State> {
    const kind = this.kindOf(type);
    const inputs = withoutMark(given);
    const { stopsFor } = compare(kind, withoutMark(before), inputs);
    if (stopsFor.length > 0)
      throw new Refusal(
        `Changing ${stopsFor.join(', ')} on a started instance requires stopping it: set allowStoppingForUpdate`,
      );
    if (isPreview) return { id, outputs: foreseen(kind, inputs) };
    const changed = await this.#options.cloud.change(type, id, bareAll(inputs));
    return { id, outputs: keepSecret(changed.outputs, inputs) };
  }

  /** Null: there is none of that id. */
  read(type: string, id: string): { readonly inputs: Values; readonly outputs: Values } | null {
    this.kindOf(type);
    return this.#options.cloud.get(type, id);
  }

  async delete(type: string, config: Values, id: string): Promise<void> {
    this.kindOf(type);
    await this.#options.cloud.delete(type, this.#projectIn(config), id);
  }

  /** Of a provider that knows projects. */
  #projectIn(config: Values): string {
    return this.#options.requiredConfig.includes('project') ? textOf(config, 'project') : '';
  }

  kindOf(type: string): ResourceKind {
    const kind = this.#options.kinds[type];
    if (kind === undefined)
      throw new Refusal(
        `${type} is not among the resources that this stand-in knows: ${Object.keys(this.#options.kinds).join(', ')}`,
      );
    return kind;
  }
}

/** As the real providers name what the program does not: by its name in the program and something that no other has. */
function withName({ autonamed }: ResourceKind, urn: string, before: Values, given: Values): Values {
  if (autonamed === undefined || given[autonamed] !== undefined) return given;
  const kept = madeNames(before).includes(autonamed) ? before[autonamed] : undefined;
  const name = kept ?? `${urn.split('::').at(-1)!}-${randomBytes(4).toString('hex').slice(0, 7)}`;
  return { ...given, [autonamed]: name, [MADE_NAMES]: [autonamed] };
}

function madeNames(inputs: Values): readonly string[] {
  const names = inputs[MADE_NAMES];
  return Array.isArray(names) ? (names as readonly string[]) : [];
}

function withoutMark(inputs: Values): Values {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => name !== MADE_NAMES));
}

/** What came as a secret goes back as one. */
function keepSecret(outputs: Values, inputs: Values): Values {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, isSecret(inputs[name]) ? secret(value) : value]),
  );
}
