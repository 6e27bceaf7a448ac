export type Fault = 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';

/** One member's process. */
export interface Member {
  readonly id: string;
  signal(signal: NodeJS.Signals): void;
  ended(): Promise<unknown>;
  /** Resolves with true once it has acknowledged the write; any refusal, and a member that is gone, is false. */
  write(value: string): Promise<boolean>;
}

/** Three members of one kind of cluster. */
export interface Contender {
  readonly name: string;
  readonly members: readonly Member[];
  /** Resolves with the leader once all agree who that is and have the same: a fault is to meet a cluster that is whole. */
  settled(): Promise<Member>;
  /** The member whose process has ended, again. */
  restart(id: string): Promise<void>;
  /** Ends what is left, a stopped process too. */
  stop(): Promise<void>;
}
