import type { Template } from '../../plan/template.ts';

/** Effects an iteration needs, passed in. */
export interface VariableSources {
  readonly unixMs: () => number;
  readonly uuid: () => string;
}

/**
 * The variables of one iteration: `timestamp` (Unix milliseconds at each use), `iteration` (number of the arrival, or of the
 * user's iteration), `user` (number of the virtual user; in open models each arrival is a user of its own), `uuid` (one per
 * iteration) and what its steps have extracted. An extracted one hides a built-in of the same name.
 */
export class Variables {
  iteration = 0;
  user = 0;
  readonly #sources: VariableSources;
  readonly #extracted = new Map<string, string>();
  #uuid: string | null = null;

  constructor(sources: VariableSources) {
    this.#sources = sources;
  }

  begin(iteration: number, user: number): void {
    this.iteration = iteration;
    this.user = user;
    this.#uuid = null;
    if (this.#extracted.size > 0) this.#extracted.clear();
  }

  set(name: string, value: string): void {
    this.#extracted.set(name, value);
  }

  /** Undefined when no step has set it. */
  get(name: string): string | undefined {
    return this.#extracted.get(name) ?? this.#builtin(name);
  }

  /** The text of a template; null when one of its variables is not set. */
  render(template: Template): string | null {
    let text = '';
    for (const part of template) {
      const value = typeof part === 'string' ? part : this.get(part.variable);
      if (value === undefined) return null;
      text += value;
    }
    return text;
  }

  #builtin(name: string): string | undefined {
    switch (name) {
      case 'timestamp':
        return String(this.#sources.unixMs());
      case 'iteration':
        return String(this.iteration);
      case 'user':
        return String(this.user);
      case 'uuid':
        return (this.#uuid ??= this.#sources.uuid());
      default:
        return undefined;
    }
  }
}

export function isStatic(template: Template): boolean {
  return template.every((part) => typeof part === 'string');
}
