import type { MachineAddress } from '../google/compute.ts';

/** A way to the API of one node, as long as it is open. */
export interface Way {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Resolves with why, when it ends by itself or is closed. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** How the API of a node is reached, which listens on the node's loopback alone. */
export interface Reach {
  /** Null: nothing stands in the way of trying; else what is missing, and what to do. */
  whyNot(): Promise<string | null>;
  /** Resolves when the node answers through it. Rejects with a CloudFailure. `port` 0: any that is free. */
  open(address: MachineAddress, port: number): Promise<Way>;
}
