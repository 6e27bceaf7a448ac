import type { Consensus } from '../consensus/consensus.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

/** Of a node that ends in order: if it leads, another one does before it goes, and nobody has to notice its end. */
export async function handOver(consensus: Consensus<unknown>, log: Log): Promise<void> {
  const { role, membership } = consensus.status();
  if (role !== 'leader') return;
  // The only voter: nothing has failed.
  if (membership?.voters.length === 1) return log.info({}, 'ends as leader: there is no other voter');
  try {
    await consensus.transferLeadership();
  } catch (error) {
    const { code, message } = TuttiError.from(error);
    // That a transfer fails is foreseen, and its sentence says why; anything else is told with its stack.
    log.info(code === 'TRANSFER_FAILED' ? { code } : { error }, `ends as leader: ${message}`);
  }
}
