import type { ResourceKind } from './resource-kind.ts';
import { UNKNOWN, type Value, type Values } from './values.ts';

/** A resource that was made. */
export interface Resource {
  readonly type: string;
  readonly id: string;
  readonly inputs: Values;
  readonly outputs: Values;
}

/** What else happens when a resource comes, changes or goes; what it throws is what the provider answers. */
export interface Effects {
  made?(resource: Resource): Promise<void>;
  changed?(before: Resource, after: Resource): Promise<void>;
  deleted?(resource: Resource): Promise<void>;
}

/** A refusal in the words of the one who refuses. */
export class Refusal extends Error {}

/**
 * What exists in the project that the stand-in stands for. It refuses what Google would for reasons of other resources: an API that is not
 * enabled, a name that is taken, a resource that is not there or is still used.
 */
export class Cloud {
  readonly #kinds: Readonly<Record<string, ResourceKind>>;
  readonly #effects: Effects;
  readonly #resources = new Map<string, Resource>();
  #serial = 0;

  constructor(kinds: Readonly<Record<string, ResourceKind>>, effects: Effects = {}) {
    this.#kinds = kinds;
    this.#effects = effects;
  }

  get resources(): readonly Resource[] {
    return [...this.#resources.values()];
  }

  get(type: string, id: string): Resource | null {
    return this.#resources.get(keyOf(type, id)) ?? null;
  }

  async make(type: string, project: string, inputs: Values): Promise<Resource> {
    const kind = this.#kinds[type]!;
    const context = { project, inputs, serial: (this.#serial += 1) };
    const id = kind.id(context);
    const { api } = kind;
    if (api !== undefined && this.get('gcp:projects/service:Service', `${project}/${api}`) === null)
      throw new Refusal(
        `Error 403: ${api} has not been used in project ${project} before or it is disabled, SERVICE_DISABLED`,
      );
    const present = this.get(type, id);
    if (present !== null && kind.stays?.(present.inputs) === true) return this.change(type, id, inputs);
    if (present !== null) throw new Refusal(`Error 409: ${id} already exists, alreadyExists`);
    const ids = new Set(this.resources.map((resource) => resource.id));
    for (const used of kind.uses?.({ ...context, id }) ?? [])
      if (!ids.has(used)) throw new Refusal(`Error 404: ${used} was not found, notFound`);
    const computed = Object.entries(kind.computed).map(
      ([name, compute]) => [name, compute({ ...context, id })] as const,
    );
    const outputs = { ...inputs, ...Object.fromEntries(computed.filter(([, value]) => value !== null)) };
    const resource = { type, id, inputs, outputs };
    // First, so that of two at once one is refused; away again if nothing comes of it.
    this.#resources.set(keyOf(type, id), resource);
    try {
      await this.#effects.made?.(resource);
    } catch (error) {
      this.#resources.delete(keyOf(type, id));
      throw error;
    }
    return resource;
  }

  async change(type: string, id: string, inputs: Values): Promise<Resource> {
    const before = this.#existing(type, id);
    const after = { ...before, inputs, outputs: { ...withoutInputs(before), ...inputs } };
    await this.#effects.changed?.(before, after);
    this.#resources.set(keyOf(type, id), after);
    return after;
  }

  async delete(type: string, project: string, id: string): Promise<void> {
    const resource = this.get(type, id);
    // Gone by other hands: the real providers take that for done.
    if (resource === null) return;
    const kept = this.#kinds[type]!.keeps?.(resource.inputs) ?? null;
    if (kept !== null) throw new Refusal(`Error 400: ${id} cannot be deleted: ${kept}`);
    const user = this.resources.find((other) => this.#usesOf(other, project).includes(id));
    if (user !== undefined)
      throw new Refusal(`Error 400: ${id} is already being used by ${user.id}, resourceInUseByAnotherResource`);
    if (this.#kinds[type]!.stays?.(resource.inputs) === true) return;
    await this.#effects.deleted?.(resource);
    this.#resources.delete(keyOf(type, id));
  }

  #usesOf({ type, id, inputs }: Resource, project: string): readonly string[] {
    return this.#kinds[type]!.uses?.({ project, inputs, serial: 0, id }) ?? [];
  }

  #existing(type: string, id: string): Resource {
    const resource = this.get(type, id);
    if (resource === null) throw new Refusal(`Error 404: ${id} was not found, notFound`);
    return resource;
  }
}

/** What a preview can say of a resource that is not made yet. */
export function foreseen(kind: ResourceKind, inputs: Values): Values {
  const unknown = Object.keys(kind.computed).filter((name) => !Object.hasOwn(inputs, name));
  return { ...inputs, ...Object.fromEntries(unknown.map((name): [string, Value] => [name, UNKNOWN])) };
}

function withoutInputs({ inputs, outputs }: Resource): Values {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => !Object.hasOwn(inputs, name)));
}

const keyOf = (type: string, id: string): string => `${type} ${id}`;
