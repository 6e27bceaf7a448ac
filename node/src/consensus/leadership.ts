import type { Role } from '../raft/types.ts';

export interface LeadershipHooks {
  onGained(term: number): void;
  /** Called for each end of a leadership, whether it had been announced or not. */
  onLost(term: number, announced: boolean, reason: string): void;
}

/**
 * Turns roles into what controllers need: leadership counts from the moment an entry of the own term is applied, since only
 * then the state holds all that was committed before (paper section 8).
 */
export class Leadership {
  readonly #hooks: LeadershipHooks;
  #term: number | null = null;
  #announced = false;

  constructor(hooks: LeadershipHooks) {
    this.#hooks = hooks;
  }

  get leading(): boolean {
    return this.#announced;
  }

  onRole(role: Role, term: number, reason: string): void {
    if (role === 'leader') {
      this.#term = term;
      return;
    }
    this.end(reason);
  }

  onApplied(entryTerm: number): void {
    if (this.#announced || entryTerm !== this.#term) return;
    this.#announced = true;
    this.#hooks.onGained(entryTerm);
  }

  end(reason: string): void {
    if (this.#term === null) return;
    const term = this.#term;
    const announced = this.#announced;
    this.#term = null;
    this.#announced = false;
    this.#hooks.onLost(term, announced, reason);
  }
}
