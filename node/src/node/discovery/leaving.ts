import type { Consensus } from '../../consensus/consensus.ts';
import type { ConsulAddress } from '../../consul/http.ts';
import type { Founding } from '../../discovery/founding.ts';
import { dissolve, markFounded } from '../../discovery/founding-key.ts';
import { systemClock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Settings } from '../../settings/schema.ts';
import type { DataDirectory } from '../../storage/data-dir.ts';
import type { NodeHooks } from '../frame.ts';
import { forgetFounding } from './kept-founding.ts';
import { leave } from './leave.ts';

export interface LeavingOptions {
  readonly settings: Settings;
  readonly hooks: NodeHooks;
  readonly directory: DataDirectory;
  readonly consul: ConsulAddress;
  /** Where Consul has who founded the cluster. */
  readonly foundingKey: string;
  readonly founding: Founding;
}

/** CLUSTER_LEAVE_ON_STOP: a node that is stopped in order is no member afterwards, and nothing of the membership is on its disk. */
export class Leaving {
  readonly #options: LeavingOptions;
  #hasLeft = false;

  constructor(options: LeavingOptions) {
    this.#options = options;
  }

  get #isAsked(): boolean {
    return this.#options.settings.leaveOnStop && this.#options.hooks.stopped.aborted;
  }

  /** The end of a member that was removed because it asked for it. */
  isExpected(error: unknown): boolean {
    return this.#isAsked && TuttiError.from(error).code === 'REMOVED';
  }

  /** Never rejects. */
  async leave(consensus: Consensus<unknown>): Promise<void> {
    const { hooks } = this.#options;
    if (!this.#isAsked) return;
    try {
      this.#hasLeft = await this.#leave(consensus);
    } catch (thrown) {
      const { code, message } = TuttiError.from(thrown);
      hooks.log.warn({ code }, `stays a member, which the others miss from now on: ${message}`);
    }
  }

  /** Once the log is closed. */
  async forget(): Promise<void> {
    if (!this.#hasLeft) return;
    const { directory, settings } = this.#options;
    await directory.forget();
    forgetFounding(settings.dataDirectory);
  }

  async #leave(consensus: Consensus<unknown>): Promise<boolean> {
    const { consul, founding, foundingKey, hooks } = this.#options;
    const { membership } = consensus.status();
    if (membership === null) return true;
    const founded = { ...founding, clusterId: membership.clusterId };
    // Before a disk is emptied that a founder is known by: enough of those could found the cluster again, beside itself.
    if (!(await markFounded(consul, foundingKey, founded))) {
      hooks.log.warn({}, 'stays a member: Consul has the founding of another cluster');
      return false;
    }
    const outcome = await leave(consensus, systemClock, hooks.log);
    if (outcome !== 'last') return outcome === 'left';
    await dissolve(consul, foundingKey, founded);
    hooks.log.info({}, 'was the last member: its cluster has ended, and whoever comes founds another one');
    return true;
  }
}
