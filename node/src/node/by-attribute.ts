import { watchListAttribute } from '../discovery/attribute-list.ts';
import { systemClock } from '../lib/clock.ts';
import { TuttiError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { ObjectAddress } from '../gcs/read-object.ts';
import { readFounding } from './discovery/kept-founding.ts';
import { foundersAddress, readFounders } from './discovery/founders-object.ts';
import { parseMembers } from './discovery/listed-members.ts';
import type { Settings } from '../settings/schema.ts';
import { parseAddress } from '../transport/addresses.ts';
import { isWildcard } from '../transport/find-self.ts';
import type { KnownBy } from './by-changing-list.ts';

const defaultMetadataHost = '169.254.169.254';

/** DISCOVERY_MODE=gce: the list is an attribute of the machine, and an object of Cloud Storage says who founds the cluster. */
export interface AttributePlace {
  readonly address: { readonly host: string; readonly port: number };
  readonly founders: ObjectAddress;
}

/** SETTINGS_INVALID. */
export async function readAttributePlace(settings: Settings): Promise<AttributePlace> {
  const { bindAddress, selfAddress } = settings;
  const founders = await foundersAddress(settings);
  const address = selfAddress === null ? bindAddress : parseAddress(selfAddress, bindAddress.port);
  if (typeof address === 'string') throw new TuttiError('SETTINGS_INVALID', `CLUSTER_SELF_ADDR: ${address}`);
  if (isWildcard(address.host)) {
    const message =
      'CLUSTER_SELF_ADDR: required when DISCOVERY_MODE is gce and CLUSTER_BIND_ADDR is every address of this machine';
    throw new TuttiError('SETTINGS_INVALID', message);
  }
  return { address, founders };
}

/** What this node knows its cluster by. A failure is logged once, until it is over or another one. */
export function byAttribute(settings: Settings, { address, founders }: AttributePlace, log: Log): KnownBy {
  const origin = 'the attribute cluster-nodes';
  return {
    ...{ address, origin },
    open(look) {
      const told = { list: '', founders: '' };
      const failed = (what: keyof typeof told, { code, message }: TuttiError): void => {
        if (message !== told[what]) log.warn({ code }, `${message}; it is tried again`);
        told[what] = message;
      };
      const list = watchListAttribute({
        host: settings.gceMetadataHost ?? defaultMetadataHost,
        parse: (text) => parseMembers(text, origin),
        ...{ clock: systemClock, random: Math.random },
        onChange: () => {
          told.list = '';
          log.info({ nodes: list.members()?.map(({ id }) => id) }, 'the list of the nodes');
          look();
        },
        onFailure: (error) => failed('list', error),
      });
      // Who has obeyed one list of founders asks for no other.
      const isFounded = readFounding(settings.dataDirectory) !== null;
      const object = isFounded
        ? { known: () => null, close: () => undefined }
        : readFounders(founders, { onKnown: look, onFailure: (error) => failed('founders', error) });
      return {
        list,
        founders: () => object.known(),
        foundersProblem: () => (told.founders === '' ? null : told.founders),
        close: () => {
          list.close();
          object.close();
        },
      };
    },
  };
}
