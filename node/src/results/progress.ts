/** How a run stands: what `GET /run`, `tutti status` and the live display show. Times in milliseconds. */
export interface RunProgress {
  readonly runId: string;
  readonly state: string;
  readonly reason: string | null;
  readonly planHash: string;
  readonly planName: string | null;
  readonly tenant: string | null;
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly percent: number;
  readonly iterations: {
    readonly fired: number;
    readonly answered: number;
    readonly failed: number;
    readonly dropped: number;
    readonly inFlight: number;
  };
  readonly requests: number;
  readonly failedRequests: number;
  /** Over the last counted second; 0 when no node is there to fire. */
  readonly iterationsPerSecond: number;
  /** Nodes that have a stripe and are there to fire it, as the leader sees them. */
  readonly nodesFiring: number;
  readonly responseMsP50: number | null;
  readonly responseMsP99: number | null;
  readonly nodes: readonly {
    readonly node: string;
    readonly region: string;
    readonly acknowledged: boolean;
    readonly lastInterval: number;
    readonly inStripes: boolean;
  }[];
}
