import { decodeEnvelope, encodeCommand } from '../../../node/src/consensus/sessions/envelope.ts';
import { Sessions } from '../../../node/src/consensus/sessions/sessions.ts';
import { decodeSessions, encodeSessions, numbers, Reader } from '../../../node/src/consensus/sessions/table-form.ts';
import type { KeptSession } from '../../../node/src/consensus/sessions/table-form.ts';
import type { CreateSessions } from './machine.ts';
import { asText, createSessions, sessionLimits } from './machine.ts';

/** Bugs of client sessions, put around them from outside: what the simulator does not find here it would not find in them either. */
export interface SessionMutant {
  readonly name: string;
  readonly withinSeeds: number;
  /** A part of the failure that shows it. */
  readonly foundAs: string;
  readonly create: CreateSessions;
}

type Kept = KeptSession<number>;

/** The table goes into each snapshot as `change` makes it. */
function inSnapshots(change: (sessions: Kept[]) => Kept[]): CreateSessions {
  return (list, id) => {
    const sessions = createSessions(list, id);
    const whole = sessions.snapshot!;
    const snapshot = function* (): Iterable<Uint8Array> {
      let isTable = true;
      for (const piece of whole()) {
        yield isTable ? changed(piece, change) : piece;
        isTable = false;
      }
    };
    return Object.assign(sessions, { snapshot });
  };
}

function changed(piece: Uint8Array, change: (sessions: Kept[]) => Kept[]): Uint8Array {
  const reader = new Reader(piece);
  const table = encodeSessions(change(decodeSessions(reader.bytes(reader.number()), asText)), asText);
  return Buffer.concat([numbers(table.byteLength), table, reader.rest()]);
}

/** Each command is applied as `rewrite` makes it. */
function rewritten(rewrite: (data: Uint8Array) => Uint8Array): CreateSessions {
  return (list, id) => {
    const sessions = createSessions(list, id);
    const apply = sessions.apply.bind(sessions);
    const instead: Sessions<number>['apply'] = (data, at) => apply(rewrite(data), at);
    return Object.assign(sessions, { apply: instead });
  };
}

/** A command that comes again runs again. */
const runsCopies: CreateSessions = (list, id) => {
  const seen = new Set<string>();
  return rewritten((data) => {
    const envelope = decodeEnvelope(data);
    if (envelope?.kind !== 'command') return data;
    const key = `${envelope.session}/${envelope.sequence}`;
    if (seen.has(key)) list.apply(envelope.command);
    seen.add(key);
    return data;
  })(list, id);
};

/** As if a client had one command pending at a time. */
const keepsOneAnswer = rewritten((data) => {
  const envelope = decodeEnvelope(data);
  if (envelope?.kind !== 'command') return data;
  const { session, sequence, command } = envelope;
  return encodeCommand(session, sequence, sequence, command);
});

/** Who is the first to forget one differs from member to member. */
const expiresElsewhere: CreateSessions = (list, id) => {
  const { maxSessions, maxPending } = sessionLimits;
  return new Sessions(list, { maxSessions: id === 'n0' ? maxSessions - 1 : maxSessions, maxPending }, asText);
};

export const sessionMutants: readonly SessionMutant[] = [
  {
    name: 'forgets the answered sequence numbers at a snapshot',
    ...{ withinSeeds: 15, foundAs: 'all apply the same' },
    create: inSnapshots((sessions) => sessions.map(({ id, firstPending }) => ({ id, firstPending, replies: [] }))),
  },
  {
    name: 'forgets the sessions at a snapshot',
    ...{ withinSeeds: 5, foundAs: 'misses' },
    create: inSnapshots(() => []),
  },
  {
    name: 'forgets at a snapshot which session was used last',
    ...{ withinSeeds: 5, foundAs: 'misses' },
    create: inSnapshots((sessions) => sessions.toSorted((a, b) => a.id - b.id)),
  },
  { name: 'runs copies', ...{ withinSeeds: 5, foundAs: 'applied twice' }, create: runsCopies },
  { name: 'keeps one answer', ...{ withinSeeds: 5, foundAs: 'was abandoned' }, create: keepsOneAnswer },
  {
    name: 'expires other sessions on each member',
    ...{ withinSeeds: 5, foundAs: 'misses' },
    create: expiresElsewhere,
  },
];
