import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { gcloudReach, tunnelCommand } from '../../../infra/src/cloud/reach/gcloud.ts';
import { FakeNodes } from '../../support/cloud/fake-nodes.ts';
import { pathWith, putGcloud, putGcloudThatFailsOnce } from '../../support/cloud/fake-programs.ts';

const address = { project: 'p', zone: 'z', instance: 'm' };
let folder: string;
let nodes: FakeNodes;
let interrupted: AbortController;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-tunnel-'));
  nodes = await FakeNodes.start({ m: 'a' });
  interrupted = new AbortController();
  vi.stubEnv('PATH', pathWith(folder));
});
afterEach(() => {
  interrupted.abort();
  nodes.stop();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});
const healthVia = (url: string): Promise<Response> => fetch(new URL('/health', url));

it('a way to a node is open once the node answers through it, and ends with all that gcloud has started', async () => {
  putGcloud(folder, { m: nodes.urlOf('m') });
  const reach = gcloudReach(interrupted.signal);
  expect(await reach.whyNot()).toBeNull();
  const way = await reach.open(address, 0);
  expect((await healthVia(way.url)).ok).toBe(true);
  await way.close();
  expect(await way.ended).toContain('gcloud ended');
  // The forwarder is a child of a shell: with that alone it would go on.
  await expect(healthVia(way.url)).rejects.toThrow();
});

it('what gcloud says when it fails is the reason', async () => {
  putGcloud(folder, {}, 'ERROR: (gcloud.compute.start-iap-tunnel) Error while connecting [4033: not authorized].');
  const reach = gcloudReach(interrupted.signal);
  await expect(reach.open(address, 0)).rejects.toThrow(
    /^m: no way to its API: gcloud ended \(1\): ERROR.*4033: not authorized/,
  );
});

it('a port that somebody else has taken meanwhile is no reason to give up, where any port will do', async () => {
  const words = 'bind [127.0.0.1]:40000: Address already in use';
  putGcloudThatFailsOnce(folder, { m: nodes.urlOf('m') }, words);
  const way = await gcloudReach(interrupted.signal).open(address, 0);
  expect((await healthVia(way.url)).ok).toBe(true);
  await way.close();
  putGcloud(folder, {}, words);
  await expect(gcloudReach(interrupted.signal).open(address, 8080)).rejects.toThrow('Address already in use');
});

it('without gcloud it is said what is missing, before and after', async () => {
  vi.stubEnv('PATH', folder);
  const reach = gcloudReach(interrupted.signal);
  expect(await reach.whyNot()).toContain('gcloud was not found on the PATH');
  await expect(reach.open(address, 0)).rejects.toThrow('install it: https://cloud.google.com/sdk/docs/install');
});

it('a wait for a node that does not answer ends when the user interrupts', async () => {
  nodes.health.set('a', null);
  putGcloud(folder, { m: nodes.urlOf('m') });
  const opening = gcloudReach(interrupted.signal).open(address, 0);
  interrupted.abort(new Error('interrupted'));
  await expect(opening).rejects.toThrow(/interrupted|aborted/);
});

it('the command is the one that the documentation names', () => {
  expect(tunnelCommand(address, 8080).join(' ')).toBe(
    'gcloud compute ssh m --project p --zone z --tunnel-through-iap --quiet -- -N -L 127.0.0.1:8080:127.0.0.1:8080 -o ExitOnForwardFailure=yes -o ServerAliveInterval=15',
  );
});
