import type { Consensus } from '../consensus/consensus.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** Of a node that ends in order: if it leads, another one does before it goes, and nobody has to notice its end. */
export async function handOver(consensus: Consensus<unknown>, log: Log): Promise<void> {
  if (consensus.status().role !== 'leader') return;
  try {
    await consensus.transferLeadership();
  } catch (error) {
    log.info({ error }, `ends as leader: ${TuttiError.from(error).message}`);
  }
}
