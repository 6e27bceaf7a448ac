import type { Consensus } from 'tutti/consensus';
import { TuttiError } from 'tutti/consensus';
import type { Answer } from './commands.ts';
import { openFront } from './http.ts';
import type { Execute } from './leader.ts';
import type { KeyValueStore } from './store.ts';

export interface Service {
  readonly consensus: Consensus<Answer>;
  readonly store: KeyValueStore;
  readonly execute: Execute;
  readonly http: { readonly host: string; readonly port: number };
  readonly onStopFailed: (error: unknown) => void;
}

/**
 * The life of a member's process, from the moment its consensus is open: HTTP in front of it, an orderly stop on SIGTERM or
 * SIGINT, and the end where the member cannot go on. Fails with what the port fails with, and has closed the member then.
 */
export async function serve({ consensus, store, execute, http, onStopFailed }: Service): Promise<{ port: number }> {
  consensus.subscribe((event) => {
    // The log line has been written. What this process promised it may no longer be able to keep, so it must not go on.
    if (event.kind === 'fatal') process.exit(1);
  });
  const front = await openFront(http, execute, () => ({ ...consensus.status(), digest: store.digest() })).catch(
    async (error: unknown) => {
      await consensus.close();
      throw error;
    },
  );
  stopOnSignal(async () => {
    // In this order, so that requests under way are answered by a member that still takes part.
    await front.close();
    await handOver(consensus);
    await consensus.close();
  }, onStopFailed);
  return { port: front.port };
}

/** So that the others need not wait for an election timeout. The last one left has nobody to hand over to, and says so. */
async function handOver(consensus: Consensus<unknown>): Promise<void> {
  if (consensus.status().role !== 'leader') return;
  await consensus.transferLeadership().catch((error: unknown) => console.error(TuttiError.from(error).message));
}

function stopOnSignal(stop: () => Promise<void>, onStopFailed: (error: unknown) => void): void {
  let stopping = false;
  const once = (): void => {
    if (stopping) return;
    stopping = true;
    // Nothing is left that keeps the process alive then, so it ends by itself, with code 0.
    stop().catch(onStopFailed);
  };
  process.on('SIGTERM', once).on('SIGINT', once);
}
