import { CloudFailure } from '../failure.ts';
import type { GoogleRest } from './rest.ts';

/** Where a machine is. */
export interface MachineAddress {
  readonly project: string;
  readonly zone: string;
  readonly instance: string;
}

export interface Machine {
  readonly name: string;
  /** The number by which Cloud Logging knows it. */
  readonly id: string;
  readonly zone: string;
  /** PROVISIONING, STAGING, RUNNING, STOPPING, TERMINATED, ... (cloud.google.com/compute/docs/instances/instance-lifecycle) */
  readonly status: string;
  /** RFC 3339; null: never, or not said. */
  readonly startedAt: string | null;
  readonly stoppedAt: string | null;
  /** `maxRunDuration`; null: there is none. */
  readonly maxRunSecs: number | null;
}

export interface Quota {
  readonly metric: string;
  readonly limit: number;
  readonly usage: number;
}

/** Something that costs money while it is there. */
export interface Costly {
  readonly kind: 'instance' | 'disk' | 'address';
  readonly name: string;
  readonly place: string;
}

/** What the scripts ask of Compute Engine. */
export interface Compute {
  /** The machines of a stack, by its labels, in the order of their names. */
  machines(project: string, stack: string): Promise<readonly Machine[]>;
  /** Machines, disks and addresses that carry the stack's label. */
  costly(project: string, stack: string): Promise<readonly Costly[]>;
  /** What was done to a machine last: "compute.instances.preempted", "stop"; null: nothing is known. */
  lastOperation(address: MachineAddress, id: string): Promise<string | null>;
  /** Both resolve when it is done. The machine is told to stop first, as by its power button. */
  stop(address: MachineAddress): Promise<void>;
  start(address: MachineAddress): Promise<void>;
  /** What the machine has written to its first serial port since it started. */
  serialPort(address: MachineAddress): Promise<string>;
  quotas(project: string, region: string | null): Promise<readonly Quota[]>;
}

interface InstanceResource {
  readonly name: string;
  readonly id?: string;
  readonly zone?: string;
  readonly status?: string;
  readonly lastStartTimestamp?: string;
  readonly lastStopTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly scheduling?: { readonly maxRunDuration?: { readonly seconds?: string } };
}
interface Labelled {
  readonly name: string;
  readonly zone?: string;
  readonly region?: string;
  readonly labels?: Readonly<Record<string, string>>;
}
interface Operation {
  readonly name: string;
  readonly status: string;
  readonly operationType?: string;
  readonly insertTime?: string;
  readonly targetId?: string;
  readonly error?: { readonly errors?: readonly { readonly message?: string }[] };
}
interface Aggregated {
  readonly items?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly nextPageToken?: string;
}

const lastPart = (url: string): string => url.split('/').at(-1) ?? '';

/** Compute Engine by its REST API, version 1 (cloud.google.com/compute/docs/reference/rest/v1). */
export function computeOf(rest: GoogleRest): Compute {
  /** Of all zones and regions at once. The filter is applied here again: a stand-in may know none. */
  const ofStack = async <One extends Labelled>(project: string, kind: string, stack: string): Promise<One[]> => {
    const found: One[] = [];
    let pageToken = '';
    do {
      const query = {
        filter: `(labels.application = "tutti") AND (labels.stack = "${stack}")`,
        returnPartialSuccess: 'true',
        ...(pageToken !== '' && { pageToken }),
      };
      const path = `projects/${project}/aggregated/${kind}`;
      const page = await rest.json<Aggregated>({ api: 'compute', path, query });
      for (const place of Object.values(page.items ?? {})) found.push(...((place[kind] ?? []) as One[]));
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
    const isOurs = ({ labels }: One): boolean => labels?.application === 'tutti' && labels.stack === stack;
    return found.filter(isOurs).sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  const inZone = ({ project, zone }: MachineAddress, rest: string): string =>
    `projects/${project}/zones/${zone}/${rest}`;
  const change = async (address: MachineAddress, verb: 'stop' | 'start'): Promise<void> => {
    const path = inZone(address, `instances/${address.instance}/${verb}`);
    let operation = await rest.json<Operation>({ api: 'compute', method: 'POST', path });
    // Each wait is answered after two minutes at most, whether it is done or not.
    while (operation.status !== 'DONE') {
      const wait = inZone(address, `operations/${operation.name}/wait`);
      operation = await rest.json<Operation>({ api: 'compute', method: 'POST', path: wait });
    }
    const errors = operation.error?.errors?.map(({ message = 'no reason given' }) => message) ?? [];
    if (errors.length > 0) throw new CloudFailure(`${address.instance} could not ${verb}: ${errors.join('; ')}`);
  };
  return {
    machines: async (project, stack) => (await ofStack<InstanceResource>(project, 'instances', stack)).map(machineOf),
    async costly(project, stack) {
      const kinds = { instance: 'instances', disk: 'disks', address: 'addresses' } as const;
      const found = await Promise.all(
        Object.entries(kinds).map(async ([kind, path]) =>
          (await ofStack<Labelled>(project, path, stack)).map(({ name, zone, region }): Costly => ({
            kind: kind as Costly['kind'],
            name,
            place: lastPart(zone ?? region ?? 'global'),
          })),
        ),
      );
      return found.flat();
    },
    async lastOperation(address, id) {
      const query = { filter: `targetId = "${id}"`, maxResults: '100' };
      const path = inZone(address, 'operations');
      const { items = [] } = await rest.json<{ readonly items?: readonly Operation[] }>({
        api: 'compute',
        path,
        query,
      });
      const own = items.filter(({ targetId }) => targetId === id);
      own.sort((a, b) => ((a.insertTime ?? '') < (b.insertTime ?? '') ? 1 : -1));
      return own[0]?.operationType ?? null;
    },
    stop: (address) => change(address, 'stop'),
    start: (address) => change(address, 'start'),
    async serialPort(address) {
      const path = inZone(address, `instances/${address.instance}/serialPort`);
      const { contents } = await rest.json<{ contents?: string }>({ api: 'compute', path, query: { port: '1' } });
      return contents ?? '';
    },
    async quotas(project, region) {
      const path = region === null ? `projects/${project}` : `projects/${project}/regions/${region}`;
      return (await rest.json<{ readonly quotas?: readonly Quota[] }>({ api: 'compute', path })).quotas ?? [];
    },
  };
}

function machineOf(instance: InstanceResource): Machine {
  const seconds = instance.scheduling?.maxRunDuration?.seconds;
  return {
    name: instance.name,
    id: instance.id ?? '',
    zone: lastPart(instance.zone ?? ''),
    status: instance.status ?? 'UNKNOWN',
    startedAt: instance.lastStartTimestamp ?? null,
    stoppedAt: instance.lastStopTimestamp ?? null,
    maxRunSecs: seconds === undefined ? null : Number(seconds),
  };
}
