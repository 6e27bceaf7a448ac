import type { StateMachine } from '../../../node/src/consensus/consensus.ts';
import { decodeEnvelope } from '../../../node/src/consensus/sessions/envelope.ts';
import { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import type { ResultForm } from '../../../node/src/consensus/sessions/table-form.ts';
import type { SessionOutcome } from '../../../node/src/consensus/sessions/table.ts';

export class AppliedList implements StateMachine<number> {
  readonly applied: string[] = [];
  restores = 0;

  apply(command: Uint8Array): number {
    return this.applied.push(Buffer.from(command).toString());
  }

  *snapshot(): Iterable<Uint8Array> {
    const applied = [...this.applied];
    for (let at = 0; at < applied.length; at += 50) yield Buffer.from(`${applied.slice(at, at + 50).join('\n')}\n`);
  }

  restore(snapshot: Uint8Array): void {
    this.restores += 1;
    this.applied.splice(0, Infinity, ...Buffer.from(snapshot).toString().split('\n').slice(0, -1));
  }
}

export const asText: ResultForm<number> = {
  encode: (result) => Buffer.from(String(result)),
  decode: (bytes) => Number(Buffer.from(bytes).toString()),
};

/** Few, so that some are forgotten while their clients still use them. */
export const sessionLimits = { maxSessions: 6, maxPending: 8 };

/** The seam for bugs of sessions; as in production unless a mutant is hunted. */
export type CreateSessions = (machine: AppliedList, id: string) => Sessions<number>;
export const createSessions: CreateSessions = (machine) => new Sessions(machine, sessionLimits, asText);

export type Applied = number | SessionOutcome<number> | null;

/** Commands of sessions, and those that clients propose by themselves, side by side on one list. */
export function bothKinds(list: AppliedList, sessions: Sessions<number>, onCopy: () => void): StateMachine<Applied> {
  const seen = new Set<string>();
  return {
    apply: (command, at) => {
      const envelope = decodeEnvelope(command);
      if (envelope === null) return list.apply(command);
      const key = envelope.kind === 'open' ? envelope.nonce : `${envelope.session}/${envelope.sequence}`;
      if (seen.has(key)) onCopy();
      seen.add(key);
      return sessions.apply(command, at);
    },
    snapshot: () => sessions.snapshot!(),
    restore: (snapshot) => sessions.restore!(snapshot),
  };
}
