import { createHash } from 'node:crypto';
import type { StateMachine } from 'tutti/consensus';
import { decodeWrite } from './commands.ts';
import type { Answer, Read, Write } from './commands.ts';

/** All of it stays in memory, and comes back from a snapshot and the log behind it at each start: what a small machine can spare. */
const maxStoredBytes = 64 * 1024 * 1024;

/** What a Map or Set entry costs beside its texts, roughly, so that many tiny entries are bounded too. */
const entryBytes = 64;

/** A client that does not know the outcome of a write may repeat it until this many other writes have come after it. */
export const maxRememberedRequests = 10_000;

/** Entries in one piece of a snapshot: a millisecond or two, as long as they are small. */
const pieceEntries = 1_000;

interface Contents {
  readonly index: number;
  readonly storedBytes: number;
  readonly values: [string, string][];
  readonly sets: [string, string[]][];
  /** Oldest first. */
  readonly answers: [string, Answer][];
}

/**
 * The state machine. `apply` runs on every member with the same commands in the same order, so it must be a pure function
 * of both: no clock, no randomness, no I/O, no bound that differs between members. It never throws, since a command that
 * brings down one member brings down all, at each start again.
 */
export class KeyValueStore implements StateMachine<Answer> {
  #values = new Map<string, string>();
  #sets = new Map<string, Set<string>>();
  /** Oldest first: a Map keeps the order of insertion, on every member the same. */
  #answers = new Map<string, Answer>();
  #storedBytes = 0;
  #index = 0;

  apply(bytes: Uint8Array, { index }: { readonly index: number }): Answer {
    const write = decodeWrite(bytes);
    this.#index = index;
    return this.#once(write, () => this.#write(write, index));
  }

  /** As of the last write that was applied: up to date within `consensus.read`, stale elsewhere. */
  look(read: Read): Answer {
    const index = this.#index;
    if (read.op === 'get') return { kind: 'value', index, value: this.#values.get(read.key) ?? null };
    return { kind: 'members', index, members: [...(this.#sets.get(read.set) ?? [])] };
  }

  /**
   * Lines of JSON. The copy is made before the first of them is given, since these Maps change in place; turning it into text takes
   * longer, and so is done line by line, with heartbeats in between.
   */
  *snapshot(): Iterable<Uint8Array> {
    const { values, sets, answers, ...rest } = this.#all();
    const line = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);
    yield line(rest);
    for (const [kind, all] of Object.entries({ values, sets, answers })) {
      for (let at = 0; at < all.length; at += pieceEntries) yield line([kind, all.slice(at, at + pieceEntries)]);
    }
  }

  restore(snapshot: Uint8Array): void {
    const [rest, ...pieces] = Buffer.from(snapshot)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
    const of = <Kind extends 'values' | 'sets' | 'answers'>(kind: Kind): Contents[Kind] =>
      (pieces as [string, unknown[]][]).flatMap(([name, part]) => (name === kind ? part : [])) as Contents[Kind];
    this.#values = new Map(of('values'));
    this.#sets = new Map(of('sets').map(([name, members]) => [name, new Set(members)]));
    this.#answers = new Map(of('answers'));
    const { storedBytes, index } = rest as Pick<Contents, 'storedBytes' | 'index'>;
    [this.#storedBytes, this.#index] = [storedBytes, index];
  }

  #all(): Contents {
    const sets = [...this.#sets].map(([name, members]): [string, string[]] => [name, [...members]]);
    const [values, answers] = [[...this.#values], [...this.#answers]];
    return { index: this.#index, storedBytes: this.#storedBytes, values, sets, answers };
  }

  /** Of all that is stored, for comparing members that have applied the same index. */
  digest(): string {
    const { values, sets, answers, storedBytes } = this.#all();
    return createHash('sha256')
      .update(JSON.stringify([values, sets, answers, storedBytes]))
      .digest('hex');
  }

  /** Raft paper section 8: what a client repeats, because the first answer was lost with a leader, must not count twice. */
  #once({ requestId }: Write, write: () => Answer): Answer {
    if (requestId === null) return write();
    const before = this.#answers.get(requestId);
    if (before !== undefined) return before;
    const answer = write();
    this.#answers.set(requestId, answer);
    if (this.#answers.size > maxRememberedRequests) this.#answers.delete(this.#answers.keys().next().value!);
    return answer;
  }

  #write(command: Write, index: number): Answer {
    if (command.op === 'addToSet') return this.#addToSet(command, index);
    const current = this.#values.get(command.key) ?? null;
    if (command.op === 'compareAndSet' && current !== command.expected) {
      return { kind: 'unchanged', index, because: 'mismatch' };
    }
    const freed = current === null ? 0 : sizeOf(command.key, current);
    if (!this.#reserve(sizeOf(command.key, command.value) - freed))
      return { kind: 'unchanged', index, because: 'full' };
    this.#values.set(command.key, command.value);
    return { kind: 'written', index };
  }

  #addToSet({ set, member }: Write & { readonly op: 'addToSet' }, index: number): Answer {
    const members = this.#sets.get(set) ?? new Set();
    if (members.has(member)) return { kind: 'unchanged', index, because: 'present' };
    if (!this.#reserve(sizeOf(set, member))) return { kind: 'unchanged', index, because: 'full' };
    this.#sets.set(set, members.add(member));
    return { kind: 'written', index };
  }

  #reserve(bytes: number): boolean {
    if (this.#storedBytes + bytes > maxStoredBytes) return false;
    this.#storedBytes += bytes;
    return true;
  }
}

const sizeOf = (name: string, value: string): number => entryBytes + Buffer.byteLength(name) + Buffer.byteLength(value);
