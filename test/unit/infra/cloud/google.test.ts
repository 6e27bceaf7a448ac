import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CloudFailure } from '../../../../infra/src/cloud/failure.ts';
import { computeOf } from '../../../../infra/src/cloud/google/compute.ts';
import { endpointsOf } from '../../../../infra/src/cloud/google/endpoints.ts';
import { loggingOf } from '../../../../infra/src/cloud/google/logging.ts';
import { projectFactsOf } from '../../../../infra/src/cloud/google/project.ts';
import type { GoogleFailure } from '../../../../infra/src/cloud/google/rest.ts';
import { GoogleRest } from '../../../../infra/src/cloud/google/rest.ts';
import { secretsOf } from '../../../../infra/src/cloud/google/secrets.ts';
import { storageOf } from '../../../../infra/src/cloud/google/storage.ts';
import type { Engine } from '../../../../infra/src/cloud/engine/engine.ts';
import { aboutItsProject } from '../../../../infra/src/cloud/engine/about-its-project.ts';
import { fakeContext } from '../../../support/cloud/fake-context.ts';
import { FakeGoogleCloud } from '../../../support/cloud/fake-google-cloud.ts';
import { stackOutputs } from '../../../support/cloud/outputs.ts';

let google: FakeGoogleCloud;
let rest: GoogleRest;
const token = (): Promise<Headers> => Promise.resolve(new Headers({ authorization: 'Bearer secret' }));
beforeEach(async () => {
  google = await FakeGoogleCloud.start();
  rest = new GoogleRest({
    endpoints: endpointsOf(google.environment),
    authorize: token,
    signal: new AbortController().signal,
  });
});
afterEach(() => google.stop());
const failed = async (asked: Promise<unknown>): Promise<unknown> => asked.catch((thrown: unknown) => thrown);

describe('a question to an API of Google', () => {
  it('is asked again where the answer may pass, and a change is not', async () => {
    google.failures.push({ status: 503, body: 'later' }, { status: 429, body: {} });
    expect(await storageOf(rest).list('b')).toEqual([]);
    expect(google.asked).toHaveLength(3);
    google.failures.push({ status: 503, body: 'later' });
    const failure = await failed(storageOf(rest).write('b', 'o', 'text', 'text/plain'));
    expect((failure as GoogleFailure).message).toBe('storage answered 503 to b/b/o: later');
    expect(google.objects.size).toBe(0);
  });

  it('that is refused says what was asked, the words of Google, and what to do', async () => {
    const error = { message: 'Required permission', details: [{ reason: 'IAM_PERMISSION_DENIED' }] };
    google.failures.push({ status: 403, body: { error } });
    const failure = (await failed(storageOf(rest).read('b', 'o'))) as GoogleFailure;
    expect(failure.message).toBe('storage answered 403 to b/b/o/o: Required permission; scripts/cloud doctor');
    expect([failure.status, failure.reason, google.asked.length]).toEqual([403, 'IAM_PERMISSION_DENIED', 1]);
    google.failures.push({ status: 401, body: 'who?' });
    expect(String(await failed(storageOf(rest).read('b', 'o')))).toContain('gcloud auth application-default login');
  });

  it('carries no token where anybody on the way could read it', async () => {
    await storageOf(rest).list('b');
    expect(google.headers[0]!.authorization).toBeUndefined();
  });

  it("names the stack's project as the one that it is counted for, whichever way that came to be known", async () => {
    const sent: (string | null)[] = [];
    vi.stubGlobal('fetch', (_: URL, { headers }: { headers: Headers }) => {
      sent.push(headers.get('x-goog-user-project'));
      return Promise.resolve(new Response('{}'));
    });
    try {
      const asked = async (know: (engine: Engine) => Promise<unknown>): Promise<void> => {
        const { engine, projectId } = aboutItsProject(fakeContext().context.engine);
        const endpoints = endpointsOf({});
        const signal = new AbortController().signal;
        const encrypted = new GoogleRest({ endpoints, authorize: token, signal, quotaProject: projectId });
        await know(engine);
        await secretsOf(encrypted).addVersion('projects/p/secrets/s', 'text');
        await storageOf(encrypted).list('b');
      };
      await asked((engine) => engine.outputs());
      await asked((engine) => engine.config());
      await asked(() => Promise.resolve());
    } finally {
      vi.unstubAllGlobals();
    }
    expect(sent).toEqual([stackOutputs.project, null, 'my-project', null, null, null]);
  });

  it('names who does not answer', async () => {
    const endpoints = { ...endpointsOf(google.environment), logging: new URL('http://127.0.0.1:1/v2/') };
    const nobody = new GoogleRest({ endpoints, authorize: token, signal: new AbortController().signal });
    const question = { project: 'p', ids: ['1'], since: '', limit: 1 };
    const failure = await failed(loggingOf(nobody).entries(question));
    expect(failure).toBeInstanceOf(CloudFailure);
    expect((failure as Error).message).toContain('127.0.0.1:1 did not answer');
  });

  it('ends when the user interrupts', async () => {
    const interrupted = new AbortController();
    const endpoints = endpointsOf(google.environment);
    const one = new GoogleRest({ endpoints, authorize: token, signal: interrupted.signal });
    google.failures.push({ status: 503, body: '' }, { status: 503, body: '' }, { status: 503, body: '' });
    const asked = failed(storageOf(one).list('b'));
    interrupted.abort(new Error('interrupted'));
    expect(((await asked) as Error).message).toMatch(/abort|interrupted/);
  });
});

describe('the endpoints', () => {
  it("are Google's own, or what a variable of its provider says", () => {
    expect(endpointsOf({}).compute.href).toBe('https://compute.googleapis.com/compute/v1/');
    const given = { GOOGLE_COMPUTE_CUSTOM_ENDPOINT: 'https://private.example/compute/v1' };
    expect(endpointsOf(given).compute.href).toBe('https://private.example/compute/v1/');
  });

  it.each(['nonsense', 'ftp://x/'])('that are no URL (%s) are refused by the name of the variable', (url) => {
    expect(() => endpointsOf({ GOOGLE_STORAGE_CUSTOM_ENDPOINT: url })).toThrow('GOOGLE_STORAGE_CUSTOM_ENDPOINT');
  });
});

describe('Cloud Storage', () => {
  it('lists all pages in the order of the names, reads, and writes with a new generation', async () => {
    const storage = storageOf(rest);
    google.put('b', 'two', '22');
    google.put('b', 'one', '1');
    google.put('other', 'x', '');
    expect((await storage.list('b')).map(({ name, bytes }) => [name, bytes])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    const written = await storage.write('b', 'a folder/plan.yaml', 'größe', 'application/yaml');
    expect(written).toMatchObject({ name: 'a folder/plan.yaml', bytes: 7 });
    expect(google.objects.get('b/a folder/plan.yaml')?.type).toBe('application/yaml');
    expect(await storage.read('b', 'a folder/plan.yaml')).toBe('größe');
    expect(await storage.stat('b', 'a folder/plan.yaml')).toEqual(written);
    expect(await storage.stat('b', 'none')).toBeNull();
  });
});

describe('Compute Engine', () => {
  const labels = { application: 'tutti', stack: 'dev' };

  it('has the machines of a stack, wherever they are, and nothing of another', async () => {
    google.machines.push(
      { name: 'm2', zone: 'us-east1-b', labels, status: 'RUNNING', lastStartTimestamp: '2026-11-22T00:00:00Z' },
      { name: 'm1', zone: 'europe-west1-b', labels, status: 'TERMINATED' },
      { name: 'm3', zone: 'us-east1-b', labels: { ...labels, stack: 'other' }, status: 'RUNNING' },
    );
    google.disks.push({ name: 'd1', zone: 'us-east1-b', labels });
    const compute = computeOf(rest);
    expect(await compute.machines('my-project', 'dev')).toEqual([
      {
        name: 'm1',
        id: '11',
        zone: 'europe-west1-b',
        status: 'TERMINATED',
        startedAt: null,
        stoppedAt: null,
        maxRunSecs: 86_400,
      },
      expect.objectContaining({ name: 'm2', zone: 'us-east1-b', startedAt: '2026-11-22T00:00:00Z' }),
    ]);
    expect((await compute.costly('my-project', 'dev')).map(({ kind, name, place }) => [kind, name, place])).toEqual([
      ['instance', 'm1', 'europe-west1-b'],
      ['instance', 'm2', 'us-east1-b'],
      ['disk', 'd1', 'us-east1-b'],
    ]);
  });

  it('stops and starts a machine, and waits until that is done', async () => {
    google.machines.push({ name: 'm', zone: 'z', labels, status: 'RUNNING' });
    const compute = computeOf(rest);
    const address = { project: 'p', zone: 'z', instance: 'm' };
    await compute.stop(address);
    expect(google.machines[0]!.status).toBe('TERMINATED');
    const wait = 'POST /compute/v1/projects/p/zones/z/operations/operation-1/wait';
    expect(google.asked).toEqual(['POST /compute/v1/projects/p/zones/z/instances/m/stop', wait, wait]);
    const error = { errors: [{ message: 'ZONE_RESOURCE_POOL_EXHAUSTED' }] };
    google.failures.push({ status: 200, body: { name: 'operation-2', status: 'DONE', error } });
    await expect(compute.start(address)).rejects.toThrow('m could not start: ZONE_RESOURCE_POOL_EXHAUSTED');
    expect(await compute.lastOperation(address, '10')).toBe('compute.instances.preempted');
    expect(await compute.serialPort(address)).toBe('boot of m\n');
  });

  it('has quotas of the project and of a region', async () => {
    const quota = { metric: 'CPUS', limit: 8, usage: 2 };
    google.quotas.set('us-east1', [quota]);
    expect(await computeOf(rest).quotas('p', 'us-east1')).toEqual([quota]);
    expect(await computeOf(rest).quotas('p', null)).toEqual([]);
  });
});

describe('Cloud Logging', () => {
  it('gives the newest entries, oldest first, whatever form they have', async () => {
    const resource = { type: 'gce_instance', labels: { instance_id: '7' } };
    google.entries = [
      { insertId: 'b', timestamp: '2026-11-22T00:00:02Z', severity: 'ERROR', resource, textPayload: 'down\n' },
      { insertId: 'a', timestamp: '2026-11-22T00:00:01Z', resource, jsonPayload: { message: '{"msg":"leads"}' } },
    ];
    const entries = await loggingOf(rest).entries({ project: 'p', ids: ['7'], since: 'x', limit: 2 });
    expect(entries.map(({ machineId, severity, text }) => [machineId, severity, text])).toEqual([
      ['7', 'DEFAULT', '{"msg":"leads"}'],
      ['7', 'ERROR', 'down'],
    ]);
    expect(await loggingOf(rest).entries({ project: 'p', ids: [], since: 'x', limit: 2 })).toEqual([]);
  });
});

describe('what Google says of a project', () => {
  it('is its state, APIs, rights and policies; what may not be seen is null', async () => {
    const facts = projectFactsOf(rest, token);
    google.enabled = ['compute.googleapis.com'];
    google.granted = ['a.b.c'];
    google.policies.set('iam.disableServiceAccountCreation', { rules: [{ enforce: true }] });
    expect(await facts.state('p')).toBe('ACTIVE');
    expect(await facts.billingEnabled('p')).toBe(true);
    expect(await facts.enabled('p', ['compute.googleapis.com', 'iam.googleapis.com'])).toEqual([
      'compute.googleapis.com',
    ]);
    expect(await facts.granted('p', ['a.b.c', 'd.e.f'])).toEqual(['a.b.c']);
    expect(await facts.policy('p', 'iam.disableServiceAccountCreation')).toEqual({ rules: [{ enforce: true }] });
    expect(await facts.policy('p', 'gcp.resourceLocations')).toBeNull();
    expect(await facts.login()).toBeNull();
    const without = projectFactsOf(rest, () => Promise.reject(new Error('no credentials')));
    expect(await without.login()).toBe('no credentials');
  });
});

describe('Secret Manager', () => {
  const name = 'projects/p/secrets/tutti-dev-api-token';

  it('tells a secret without a version from one that is not there, and takes versions', async () => {
    const secrets = secretsOf(rest);
    const failure = (await failed(secrets.hasVersion(name))) as GoogleFailure;
    expect([failure.status, failure.message]).toEqual([404, expect.stringContaining(`Secret [${name}] not found`)]);
    google.secrets.set(name, []);
    expect(await secrets.hasVersion(name)).toBe(false);
    expect(await secrets.addVersion(name, 'first, with ü')).toBe(`${name}/versions/1`);
    expect(await secrets.addVersion(name, 'second')).toBe(`${name}/versions/2`);
    expect(await secrets.hasVersion(name)).toBe(true);
    expect(google.secrets.get(name)).toEqual(['first, with ü', 'second']);
  });
});
