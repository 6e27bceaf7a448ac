import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeGcsServer } from '../../support/gcs/server.ts';
import { StandInCloud } from '../engine/stand-in.ts';
import type { PulumiPrograms } from '../../support/pulumi/find.ts';
import type { Effects, Resource } from '../provider/cloud.ts';
import { textOf } from '../provider/values.ts';
import { BucketStore } from './bucket-store.ts';
import { makeCertificates } from './certificates.ts';
import { GoogleApis, permissionsOf, type SecretVersion, servedNames } from './google-apis.ts';
import { compileOnce, knownImages } from './images.ts';
import { Machines } from './machines.ts';
import { MetadataServer } from './metadata-server.ts';
import { GOOGLE_APIS, METADATA, TARGET, Vpc } from './vpc.ts';

export const PROJECT = 'rehearsal';
export const targetUrl = `http://${TARGET}:8080`;
const checkout = join(import.meta.dirname, '../../..');

export interface Programs {
  readonly pulumi: PulumiPrograms;
  readonly fakeGcs: string;
}

/** Everything of Google Cloud that the rehearsal needs, and the internet. Only for a process in namespaces of its own. */
export class World {
  readonly stand: StandInCloud;
  readonly machines: Machines;
  readonly store: BucketStore;
  readonly #closing: readonly (() => Promise<void>)[];

  private constructor(
    stand: StandInCloud,
    machines: Machines,
    store: BucketStore,
    closing: readonly (() => Promise<void>)[],
  ) {
    this.stand = stand;
    this.machines = machines;
    this.store = store;
    this.#closing = closing;
  }

  static async open({ pulumi, fakeGcs }: Programs): Promise<World> {
    await compileOnce(checkout);
    const internet = await startTarget();
    const vpc = await Vpc.open({ pid: internet.pid! });
    const storage = await FakeGcsServer.start(fakeGcs);
    const store = new BucketStore(storage.endpoint);
    // The machines can only be made once there is a directory, which comes with what makes them.
    let machines: Machines | null = null;
    const later: Effects = {
      made: (resource) => machines!.made(resource),
      changed: (before, after) => machines!.changed(before, after),
      deleted: (resource) => machines!.deleted(resource),
    };
    const stand = await StandInCloud.open(pulumi, later);
    await makeCertificates(stand.directory);
    const authority = readFileSync(join(stand.directory, 'ca.pem'), 'utf8');
    const metadata = new MetadataServer((address) => machines!.identityOf(PROJECT, address));
    const apis = new GoogleApis({
      certificates: stand.directory,
      storagePort: Number(new URL(storage.endpoint).port),
      emailOf: (token) => metadata.emailOf(token),
      may: (email, permission, resource) => mayUse(stand.cloud.resources, email, permission, resource),
      newestVersion: (secret) => newestVersion(stand.cloud.resources, secret),
    });
    const served = servedNames.map((name) => [name, GOOGLE_APIS]);
    const hosts = { 'metadata.google.internal': METADATA, ...(Object.fromEntries(served) as Record<string, string>) };
    machines = new Machines({
      ...{ directory: stand.directory, checkout, node: process.execPath, vpc, store, hosts, authority },
      images: knownImages(join(checkout, 'Dockerfile')),
      attributesChanged: () => metadata.changed(),
    });
    await metadata.listen(METADATA);
    await apis.listen(GOOGLE_APIS);
    const made = machines;
    return new World(stand, made, store, [
      () => made.cutAll(),
      () => apis.close(),
      () => metadata.close(),
      () => storage.stop(),
      () => endTarget(internet),
      () => Promise.resolve(stand.close()),
    ]);
  }

  /** How many requests came from which address, at the other end. */
  async seenByTarget(): Promise<Readonly<Record<string, number>>> {
    return (await (await fetch(`${targetUrl}/seen`)).json()) as Record<string, number>;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
  }
}

/** By the rights that the stack has given, and nothing else. */
function mayUse(resources: readonly Resource[], email: string, permission: string, resource: string): boolean {
  const at: Readonly<Record<string, string>> = {
    'gcp:storage/bucketIAMMember:BucketIAMMember': 'bucket',
    'gcp:secretmanager/secretIamMember:SecretIamMember': 'secretId',
  };
  return resources.some(
    ({ type, inputs }) =>
      at[type] !== undefined &&
      textOf(inputs, at[type]) === resource &&
      textOf(inputs, 'member') === `serviceAccount:${email}` &&
      permissionsOf[textOf(inputs, 'role')]?.includes(permission) === true,
  );
}

function newestVersion(resources: readonly Resource[], secret: string): SecretVersion | null {
  const newest = resources.findLast(
    ({ type, inputs }) => type === 'gcp:secretmanager/secretVersion:SecretVersion' && inputs.secret === secret,
  );
  return newest === undefined ? null : { name: newest.id, text: textOf(newest.inputs, 'secretData') };
}

async function startTarget(): Promise<ChildProcess> {
  const child = spawn('unshare', ['--net', '--', process.execPath, join(import.meta.dirname, 'target.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return child;
}

async function endTarget(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.stdin!.end();
  await exited;
}
