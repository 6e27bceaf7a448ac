import { startApi } from '../../api/server.ts';
import { ownHostNames } from '../../lib/host-header.ts';
import { timingProfiles } from '../../raft/types.ts';
import type { Frame } from '../frame.ts';
import { timingsOf } from '../timings.ts';
import { Front } from './front.ts';

/** The API of a node that does not know its cluster yet; `front` is what it shows meanwhile. `host` is how other machines call this one. */
export async function openFront(frame: Frame, host: string): Promise<{ front: Front; api: Api }> {
  const { settings, token, hooks, directory } = frame;
  const { nodeId, incarnation } = directory;
  const { healthAddress, region } = settings;
  const timings = timingsOf(settings);
  const front = new Front({ nodeId, incarnation, region, timings: timings === 'auto' ? timingProfiles.lan : timings });
  const api = await startApi({
    backend: front,
    ...healthAddress,
    token,
    ownNames: ownHostNames([healthAddress.host, host, ...settings.apiHostNames]),
    log: hooks.log,
  });
  return { front, api };
}

type Api = Awaited<ReturnType<typeof startApi>>;
