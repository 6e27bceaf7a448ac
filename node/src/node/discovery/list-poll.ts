import { z } from 'zod';
import type { Consensus } from '../../consensus/consensus.ts';
import type { MemberList } from '../../discovery/member-list.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Lists } from './list-changes.ts';

const method = 'membership.list';
const answerTimeoutMs = 2_000;
/** An answer that is older is asked for again; what is decided by it may have changed on that machine since. */
const answerLastsMs = 3_000;
const nothing = new Uint8Array();
/** Null: it does not know its list, or no longer knows whether it is that. */
const schema = z.object({ ids: z.array(z.string()).nullable() });

interface Answer {
  readonly ids: ReadonlySet<string>;
  readonly askedMs: number;
}

export interface ListPollOptions {
  readonly consensus: Pick<Consensus<unknown>, 'handle' | 'request' | 'peers' | 'status'>;
  readonly list: MemberList;
  readonly clock: Clock;
  /** An answer has come. */
  readonly onAnswer: () => void;
}

/** Asks the members for the lists that their machines have, and answers who asks. */
export class ListPoll {
  readonly #options: ListPollOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #asked = new Set<string>();

  constructor(options: ListPollOptions) {
    this.#options = options;
    const { consensus } = options;
    consensus.handle(method, () => Promise.resolve(Buffer.from(JSON.stringify({ ids: this.#ownIds() }))));
  }

  /** What is known of this moment, this node's own list included. */
  lists(): Lists {
    const { clock, consensus } = this.#options;
    const own = this.#ownIds();
    const fresh = [...this.#answers].filter(([, { askedMs }]) => clock.nowMs() - askedMs < answerLastsMs);
    const lists = fresh.map(([id, { ids }]) => [id, ids] as const);
    return new Map(own === null ? lists : [...lists, [consensus.status().nodeId, new Set(own)]]);
  }

  /** Asks those who are connected and have not been asked just now. */
  ask(): void {
    for (const { state, identity } of this.#options.consensus.peers()) {
      if (state === 'connected' && identity !== null && !this.#asked.has(identity.nodeId))
        void this.#ask(identity.nodeId);
    }
  }

  /** Never rejects: who does not answer says nothing, and is asked again. */
  async #ask(id: string): Promise<void> {
    const { clock, consensus, onAnswer } = this.#options;
    this.#asked.add(id);
    const askedMs = clock.nowMs();
    try {
      const body = await consensus.request(id, method, nothing, answerTimeoutMs);
      const { ids } = schema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
      if (ids === null) this.#answers.delete(id);
      else this.#answers.set(id, { ids: new Set(ids), askedMs });
    } catch {
      // An older answer must not stand for this one.
      this.#answers.delete(id);
      return;
    } finally {
      this.#asked.delete(id);
    }
    onAnswer();
  }

  #ownIds(): readonly string[] | null {
    const { list } = this.#options;
    return list.isFresh() ? (list.members()?.map(({ id }) => id) ?? null) : null;
  }
}
