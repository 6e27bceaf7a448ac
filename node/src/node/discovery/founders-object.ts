import { type Founder } from '../../discovery/founding.ts';
import type { ListedMember } from '../../discovery/member-list.ts';
import type { ObjectAddress } from '../../gcs/read-object.ts';
import { pollObject } from '../../gcs/poll.ts';
import { systemClock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Settings } from '../../settings/schema.ts';
import { gcsAccess } from '../gcs-access.ts';
import { parseMembers } from './listed-members.ts';

/** It is written once the machines are there, so nodes look for it before: often, as all wait for it. */
const askEveryMs = 2_000;
/** A list of a thousand nodes is smaller. */
const maxBytes = 256 * 1024;

/** Who founds the cluster, as far as this node knows; null: not yet. */
export interface Founders {
  known(): readonly Founder[] | null;
  close(): void;
}

/** CLUSTER_FOUNDERS: the object that says it. Loads Google's library. */
export async function foundersAddress(settings: Settings): Promise<ObjectAddress> {
  const [, bucket, object] = /^gs:\/\/([^/]+)\/(.+)$/.exec(settings.founders ?? '') ?? [];
  if (bucket === undefined || object === undefined)
    throw new TuttiError('SETTINGS_INVALID', 'CLUSTER_FOUNDERS: required');
  return { ...(await gcsAccess(settings, 'read')), bucket, object, maxBytes };
}

/** Reads it until it is there; from then on it is never asked for again, since it never changes. */
export function readFounders(
  address: ObjectAddress,
  { onKnown, onFailure }: { readonly onKnown: () => void; readonly onFailure: (error: TuttiError) => void },
): Founders {
  let known: readonly Founder[] | null = null;
  const end = pollObject({
    ...{ address, everyMs: askEveryMs, known: null, clock: systemClock, random: Math.random, onFailure },
    onText: ({ text }) => {
      try {
        known = foundersOf(parseMembers(text.trim(), `gs://${address.bucket}/${address.object}`));
      } catch (thrown) {
        return onFailure(TuttiError.from(thrown));
      }
      end();
      onKnown();
    },
  });
  return { known: () => known, close: end };
}

export function foundersOf(members: readonly ListedMember[]): readonly Founder[] {
  return members.filter(({ isLearner }) => !isLearner).map(({ id, address }) => ({ id, address }));
}
