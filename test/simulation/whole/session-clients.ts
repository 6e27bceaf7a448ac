import { TuttiError } from '../../../node/src/lib/errors.ts';
import type { Session } from '../../../node/src/consensus/sessions/session.ts';
import type { WholeCluster } from './cluster.ts';
import type { MemberProcess } from './process.ts';

/** What `Session.apply` rejects with where it says that nothing happened. */
const refusals: readonly string[] = ['NO_LEADER', 'NOT_LEADER', 'BUSY', 'SHUTTING_DOWN', 'SESSION_EXPIRED'];
/** Of one member: they have several commands pending each, which overtake one another. */
const MAX_SESSIONS = 3;
/** Some give up within an election, some outlast it. */
const TIMEOUTS_MS = [150, 3_000];

/** Clients that hold sessions at the members, each in the process of its member, and gone with it. */
export class SessionClients {
  readonly #cluster: WholeCluster;
  readonly #sessions = new Map<MemberProcess, Session<number>[]>();
  #commands = 0;

  constructor(cluster: WholeCluster) {
    this.#cluster = cluster;
  }

  act(): void {
    const { alive, world } = this.#cluster;
    const process = world.random.pick(alive);
    const sessions = this.#sessions.get(process) ?? [];
    this.#sessions.set(process, sessions);
    if (sessions.length === 0 || (sessions.length < MAX_SESSIONS && world.random.chance(0.1))) {
      return this.#open(process, sessions);
    }
    this.#apply(process, sessions, world.random.pick(sessions));
  }

  #open(process: MemberProcess, sessions: Session<number>[]): void {
    const { counts, failures, world } = this.#cluster;
    const random = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => world.random.next() * 256);
    const options = { clock: process.clock!, timeoutMs: world.random.pick(TIMEOUTS_MS), random };
    process.sessions.open(process.consensus!, options).then(
      (session) => {
        counts.sessions += 1;
        sessions.push(session);
      },
      (error: unknown) => {
        if (!(error instanceof TuttiError)) failures.push(`opening a session failed with ${String(error)}`);
      },
    );
  }

  /** The result is the place that the command has in the list, of the one time that it ran. */
  #apply(process: MemberProcess, sessions: Session<number>[], session: Session<number>): void {
    const { counts, failures } = this.#cluster;
    const command = `session-${process.parts.id}-${++this.#commands}`;
    session.apply(Buffer.from(command)).then(
      (place) => {
        if (!process.isAlive) return this.#cluster.told(command, 'unknown');
        const found = process.machine.applied[place - 1];
        if (found !== command) failures.push(`the result of ${command} is that of ${String(found)}`);
        this.#cluster.acknowledge(command);
      },
      (error: unknown) => {
        if (!(error instanceof TuttiError)) failures.push(`${command} failed with ${String(error)}`);
        const { code } = TuttiError.from(error);
        if (code === 'SESSION_EXPIRED' && sessions.includes(session)) {
          counts.expired += 1;
          sessions.splice(sessions.indexOf(session), 1);
        }
        this.#cluster.told(command, process.isAlive && refusals.includes(code) ? 'refused' : 'unknown');
      },
    );
  }
}
