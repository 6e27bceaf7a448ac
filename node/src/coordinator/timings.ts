/** Every interval, lead and patience of the coordinator, with its reason. Milliseconds throughout. */

/** How often the controllers look. Below the shortest thing they time (a connection down for 100 ms). */
export const lookEveryMs = 50;

/** Horizon commands: often enough that it stays near its full length, seldom enough to cost nothing (design, "Horizon"). */
export const extendEveryMs = 250;
const minHorizonMs = 1_500;
/** An election may need a second try after a split vote, and the first of a new leader's entries a round trip. */
const electionsPerHorizon = 3;
/** How far ahead of now the horizon stands: an election shorter than it interrupts nobody. */
export const horizonLengthMs = (electionTimeoutMaxMs: number): number =>
  Math.max(minHorizonMs, electionsPerHorizon * electionTimeoutMaxMs);

/** A connection that comes back sooner than this was a hiccup, and re-striping would cost more than waiting. */
export const goneAfterMs = 100;
/** A node that joins or comes back shows first that it stays: each change of stripes resets pacing on every node. */
export const stableBeforeJoinMs = 1_000;
/** A node that joins this close to the end would do nothing but change the stripes. */
export const minRestToJoinMs = 2_000;

/**
 * How long a new leader waits for the rest of the list before it takes a run without them: nodes that are started together
 * meet within a second or two, and one that is down must not hold up a run for long.
 */
export const membersPatienceMs = 5_000;

/** A plan is delivered once and up to three times more: what preparing needs fails for a moment, or for good. */
export const maxPrepareAttempts = 4;
/** Before the start nothing is lost by waiting out a reconnect, and a node dropped here misses the first table. */
export const deadBeforeStartMs = 1_000;

const minStartLeadMs = 500;
const maxStartLeadMs = 5_000;
/** Commit and hearing of it are a round trip each; twice that for a follower whose append had to be repeated. */
const startLeadRoundTrips = 4;
/** From now to the start: every node must have applied it and told its generators. */
export const startLeadMs = (slowestRoundTripMs: number): number =>
  Math.min(maxStartLeadMs, minStartLeadMs + startLeadRoundTrips * slowestRoundTripMs);

/** Between two batches of intervals: a second's intervals of all nodes fall into one or two. */
export const batchEveryMs = 200;
/** Intervals in one batch; beyond, a command of a cluster catching up after an election would stall the log. */
export const maxIntervalsPerBatch = 64;
/** Intervals collected of one agent and not yet counted; beyond, the agent keeps and resends them. */
export const maxCollectedPerAgent = 64;

/** Iterations in flight at the end get this long (k6's gracefulStop); those left then are unanswered. */
export const completedGraceMs = 30_000;
/** Whoever stops a run wants it to end. */
export const stoppedGraceMs = 5_000;
/** An agent cuts every second, so five silent ones mean that its last interval will not come. */
export const silentAfterMs = 5_000;
/**
 * Past the deadline generators give their last cut at once; beyond this, or this long after the end was ordered where that
 * was later, no agent is waited for, however much it says.
 */
export const finishAfterDeadlineMs = 15_000;

/** Longer than any election and reconnect: then no node is left that knows when the run began. */
export const mappingPatienceMs = 10_000;
