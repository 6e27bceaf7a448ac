/**
 * States what must hold for the program to go on. A broken invariant is a bug, never an operational error: the process
 * ends rather than spread a wrong state.
 */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantViolation(message);
}

export class InvariantViolation extends Error {
  constructor(message: string) {
    super(`invariant violated: ${message}`);
    this.name = 'InvariantViolation';
  }
}
