import type { CheckedOperation } from './checker-input.ts';
import type { ObjectKind } from './history.ts';

/**
 * The same operations with shorter intervals, since each that is open at the same time as others doubles what porcupine may
 * have to try. The verdict does not change, because every value here is written by one operation alone:
 *
 * - A write of unknown outcome whose value was seen took effect, and before whoever saw it had returned.
 * - An addition took effect after every read that did not see it had begun, because sets only grow.
 * - One of unknown outcome that nobody ever saw can be left out: it fits behind everything else, and nothing needs it. (A
 *   write to a register that nobody saw cannot: a compare-and-set may have failed because of it.)
 *
 * What contradicts itself is left as it is, for porcupine to refuse.
 */
export function settled(kind: ObjectKind, operations: readonly CheckedOperation[]): readonly CheckedOperation[] {
  const writers = new Map<string, number>();
  for (const { op, value } of operations) if (op !== 'read') writers.set(value, (writers.get(value) ?? 0) + 1);
  const isOnly = ({ value }: CheckedOperation): boolean => writers.get(value) === 1;
  const seenNs = firstSightings(operations);
  const readsOfSet = operations.filter(({ members }) => members !== null);
  return operations.flatMap((operation) => {
    if (operation.op === 'read' || !isOnly(operation)) return [operation];
    const firstSeenNs = seenNs.get(operation.value);
    if (kind === 'set' && operation.returnNs === null && firstSeenNs === undefined) return [];
    const { changed, returnNs } = operation.returnNs === null ? known(firstSeenNs) : operation;
    const callNs = kind === 'set' ? lastUnseenNs(operation, readsOfSet) : operation.callNs;
    const isPossible = returnNs === null || callNs <= returnNs;
    return [isPossible ? { ...operation, callNs, returnNs, changed } : operation];
  });
}

const known = (firstSeenNs: number | undefined): { changed: boolean; returnNs: number | null } =>
  firstSeenNs === undefined ? { changed: false, returnNs: null } : { changed: true, returnNs: firstSeenNs };

/** For each value the earliest end of an operation that cannot have gone as it did without it. */
function firstSightings(operations: readonly CheckedOperation[]): Map<string, number> {
  const seenNs = new Map<string, number>();
  for (const { op, expected, changed, read, members, returnNs } of operations) {
    if (returnNs === null) continue;
    const seen = op === 'compareAndSet' && changed ? [expected] : (members ?? [read]);
    for (const value of seen) {
      if (value !== null) seenNs.set(value, Math.min(seenNs.get(value) ?? Infinity, returnNs));
    }
  }
  return seenNs;
}

/**
 * When the addition may have begun to take effect: after the latest beginning of a read that did not see it. One nanosecond
 * after, no answer comes sooner, so that porcupine tries the read first and not every set of additions before it.
 */
function lastUnseenNs({ value, callNs }: CheckedOperation, reads: readonly CheckedOperation[]): number {
  const unseen = reads.filter((read) => !read.members!.includes(value));
  return unseen.reduce((lastNs, read) => Math.max(lastNs, read.callNs + 1), callNs);
}
