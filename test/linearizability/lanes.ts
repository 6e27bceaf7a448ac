import type { ObjectKind } from './history.ts';

/**
 * Enough to meet a fault from before to after in most cases, few enough that porcupine, whose work grows with the operations
 * of an object that are open at the same time, is done with it in milliseconds.
 */
const operationsPerKey: Readonly<Record<ObjectKind, number>> = { register: 400, set: 150 };
const unknownPerKey = 6;

/** A sequence of objects, each used by the same few clients until it has had its operations. */
export class Lane {
  readonly kind: ObjectKind;
  readonly #name: string;
  #generation = 0;
  #operations = 0;
  #unknown = 0;

  constructor(name: string, kind: ObjectKind) {
    this.#name = name;
    this.kind = kind;
  }

  /** The object that the next operation is for. */
  next(): string {
    if (this.#operations >= operationsPerKey[this.kind] || this.#unknown >= unknownPerKey) {
      this.#operations = 0;
      this.#unknown = 0;
      this.#generation++;
    }
    this.#operations++;
    return this.#key(this.#generation);
  }

  /** Tells of a write to `key` whose outcome is unknown. */
  countUnknown(key: string): void {
    if (key === this.#key(this.#generation)) this.#unknown++;
  }

  /** All objects there have been. */
  keys(): string[] {
    return Array.from({ length: this.#generation + 1 }, (_, generation) => this.#key(generation));
  }

  #key(generation: number): string {
    return `${this.#name}-${generation}`;
  }
}
