import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AgentRef } from '../cluster/state.ts';
import { systemClock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Settings } from '../settings/schema.ts';
import { type DataDirectory, openDataDirectory } from '../storage/data-dir.ts';
import { checkDoors, peerSecurity } from './doors.ts';
import { byAttribute, readAttributePlace } from './by-attribute.ts';
import { startByChangingList } from './by-changing-list.ts';
import { startByConsul } from './by-consul.ts';
import { startByList } from './by-list.ts';
import { type Close, closeAll } from './close-all.ts';
import { readConsulPlace } from './discovery/own-address.ts';
import { openResults } from './open-results.ts';
import { openSource } from './open-source.ts';
import type { NodeHooks, RunningNode } from './frame.ts';
import type { OwnKeys } from './keys/own-keys.ts';
import { OwnToken } from './keys/own-token.ts';
import { type Place, readPlace } from './place.ts';
import { timingsOf } from './timings.ts';

/**
 * Opens everything a node consists of, from the disk up to the API; what was opened is closed again if a later part fails. Rejects
 * with SHUTTING_DOWN where it was stopped before it had a cluster.
 */
export async function startNode(settings: Settings, hooks: NodeHooks): Promise<RunningNode> {
  // All that may be refused comes before anything is opened: such a start leaves nothing behind.
  checkDoors(settings);
  timingsOf(settings);
  const security = peerSecurity(settings);
  const source = await openSource(settings);
  const writeResult = await openResults(settings);
  const byConsul = settings.discoveryMode === 'consul' ? await readConsulPlace(settings) : null;
  const attribute = settings.discoveryMode === 'gce' ? await readAttributePlace(settings) : null;
  const place = settings.discoveryMode === 'static' ? await readPlace(settings) : null;
  const directory = await openOwnDirectory(settings, place);
  const { nodeId } = directory;
  const self: AgentRef = { node: nodeId, session: randomUUID(), region: settings.region };
  const opened: Close[] = [() => directory.close()];
  try {
    hooks.identify(() => ({ node: nodeId }));
    const isLearner = place === null ? settings.role === 'learner' : place.isLearner(nodeId);
    const token = new OwnToken(settings);
    opened.push(...watchKeys(security.keys, token, nodeId, hooks.log));
    const parts = { settings, security, token: token.source, hooks, directory, source, writeResult };
    const frame = { ...parts, self, isLearner, opened };
    const start = async (): Promise<string> => {
      if (place !== null) return startByList(frame, place);
      if (attribute !== null) return startByChangingList(frame, byAttribute(settings, attribute, hooks.log));
      return startByConsul(frame, byConsul!);
    };
    const apiAddress = await start();
    return { apiAddress, close: () => closeAll(opened) };
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** What stands in the files of keys and token counts while the node runs. Throws SETTINGS_INVALID for another node's keys. */
function watchKeys(keys: OwnKeys | null, token: OwnToken, nodeId: string, log: Log): readonly Close[] {
  keys?.checkName(nodeId);
  const watches = [token.watch({ clock: systemClock, log })];
  if (keys !== null) watches.push(keys.watch({ nodeId, clock: systemClock, unixMs: Date.now, log }));
  return watches;
}

/** The id is the directory's, else the one that was given, else the one the list has for this address, else the host name. */
function openOwnDirectory(settings: Settings, place: Place | null): Promise<DataDirectory> {
  const { dataDirectory, nodeId } = settings;
  if (place === null) return openDataDirectory(dataDirectory, { nodeId, fallbackNodeId: hostname() });
  const check = (id: string): void => void place.isLearner(id);
  return openDataDirectory(dataDirectory, { nodeId, fallbackNodeId: place.listedIdHere() ?? hostname(), check });
}
