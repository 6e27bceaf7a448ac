import type { Consensus } from '../../consensus/consensus.ts';
import type { Founding } from '../../discovery/founding.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { DataDirectory } from '../../storage/data-dir.ts';
import { keepFounding } from './kept-founding.ts';

export interface RemovalOptions {
  readonly directory: Pick<DataDirectory, 'forget'>;
  readonly dataDirectory: string;
  readonly founding: Founding;
}

/**
 * A node that was removed ends, and begins anew when it is started again: as somebody who waits to be admitted, should the list have it again. It
 * forgets its log, in which it would find its removal for ever, and keeps that the cluster is founded: enough founders that forgot that, too,
 * could found it again beside those that stay.
 */
export class Removal {
  readonly #options: RemovalOptions;
  #clusterId: string | null = null;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  watch(consensus: Pick<Consensus<unknown>, 'subscribe' | 'status'>): void {
    consensus.subscribe((event) => {
      if (event.kind !== 'fatal' || TuttiError.from(event.error).code !== 'REMOVED') return;
      this.#clusterId = consensus.status().membership?.clusterId ?? null;
    });
  }

  /** Once the log is closed; nothing where it was not removed. DATA_DIR_UNUSABLE. */
  async forget(): Promise<void> {
    if (this.#clusterId === null) return;
    const { dataDirectory, directory, founding } = this.#options;
    // First: between the two it is removed again at its next start.
    keepFounding(dataDirectory, { ...founding, clusterId: this.#clusterId });
    await directory.forget();
  }
}
