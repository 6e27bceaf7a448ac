import type { CommandResult } from '../cluster/commands.ts';
import type { AgentRef } from '../cluster/state.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Log } from '../lib/log.ts';
import type { Settings } from '../settings/schema.ts';
import type { DataDirectory } from '../storage/data-dir.ts';
import type { ListedPeer } from '../transport/transport.ts';
import type { Close } from './close-all.ts';
import type { PeerSecurity } from './doors.ts';
import type { WriteResult } from './keep-results.ts';
import type { OpenedSource } from './open-source.ts';

export interface RunningNode {
  readonly apiAddress: string;
  /** In order: no new requests, no more load, then the log and the data directory. */
  close(): Promise<void>;
}

export interface NodeHooks {
  readonly log: Log;
  /** The node can no longer take part; the process must end. */
  readonly onFatal: (error: unknown) => void;
  /** Called with more each time more is known: what stands on every line of the log from then on. */
  readonly identify: (fields: () => object) => void;
  /** Aborted when somebody stops the node in order; a node that is still looking for its cluster gives up then. */
  readonly stopped: AbortSignal;
}

/** What all parts of a node have in common. */
export interface Frame {
  readonly settings: Settings;
  /** Of the doors between the nodes. */
  readonly security: PeerSecurity;
  /** Of the API; null: it demands none. */
  readonly token: () => string | null;
  readonly hooks: NodeHooks;
  readonly directory: DataDirectory;
  readonly source: OpenedSource | null;
  /** Null: results stay in the cluster. */
  readonly writeResult: WriteResult | null;
  readonly self: AgentRef;
  /** It generates load and has no vote. */
  readonly isLearner: boolean;
  /** Closed from the last to the first. */
  readonly opened: Close[];
}

/** Who the others are, as far as the consensus needs it to begin. */
export interface Company {
  readonly listed: readonly ListedPeer[];
  readonly selfIndex: number;
  /** How many founded the cluster, or are to. */
  readonly listedSize: number;
  readonly joins: boolean;
  /** host:port by id, of those that `listed` does not name. */
  readonly contacts: Readonly<Record<string, string>>;
  /** What the addresses of the others were taken from, for messages. */
  readonly origin: string;
  /** host:port of the HTTP API, for people and redirects. */
  readonly apiAddress: string;
  /** In the turn in which the consensus was opened, before anything happens in it. */
  readonly onConsensus: (consensus: Consensus<CommandResult>) => void;
  /** An end of the consensus that somebody asked for is none to report. */
  readonly isExpected: (error: unknown) => boolean;
}
