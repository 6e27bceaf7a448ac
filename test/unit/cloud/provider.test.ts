import { describe, expect, it } from 'vitest';
import { changedPaths } from '../../cloud/provider/changes.ts';
import { Cloud } from '../../cloud/provider/cloud.ts';
import { gcpKinds } from '../../cloud/provider/gcp.ts';
import { Provider } from '../../cloud/provider/provider.ts';
import { secret, UNKNOWN, type Values } from '../../cloud/provider/values.ts';

const config = { project: 'my-project' };
const apis = ['compute', 'iam', 'storage'];
const urn = (type: string, name = 'one'): string => `urn:pulumi:dev::tutti::tutti:infra:Home$${type}::${name}`;
const types = {
  service: 'gcp:projects/service:Service',
  network: 'gcp:compute/network:Network',
  firewall: 'gcp:compute/firewall:Firewall',
  address: 'gcp:compute/address:Address',
  instance: 'gcp:compute/instance:Instance',
  bucket: 'gcp:storage/bucket:Bucket',
  object: 'gcp:storage/bucketObject:BucketObject',
};
const machine = {
  name: 'one',
  zone: 'us-east1-b',
  machineType: 'e2-small',
  bootDisk: { initializeParams: { image: 'cos' } },
  networkInterfaces: [{ network: 'n', accessConfigs: [{ natIp: '203.0.113.1' }] }],
};

async function open(): Promise<{ provider: Provider; cloud: Cloud }> {
  const cloud = new Cloud(gcpKinds);
  const provider = new Provider({ name: 'gcp', kinds: gcpKinds, cloud, requiredConfig: ['project'] });
  for (const api of apis)
    await provider.create(types.service, config, { service: `${api}.googleapis.com`, disableOnDestroy: false }, false);
  return { provider, cloud };
}

const problemsOf = async (type: string, inputs: Values): Promise<readonly string[]> => {
  const { provider } = await open();
  return provider.check(type, urn(type), {}, inputs).problems.map(({ path }) => path);
};

describe('what the stand-in for the provider refuses', () => {
  it('a nested property that gcp does not have, one that is missing, one of another type', async () => {
    expect(await problemsOf(types.instance, machine)).toEqual([]);
    const wrong = { ...machine, networkInterfaces: [{ accessConfigs: [{ natIP: 'x' }] }] };
    expect(await problemsOf(types.instance, wrong)).toEqual(['networkInterfaces[0].accessConfigs[0].natIP']);
    expect(await problemsOf(types.instance, { ...machine, scheduling: { maxRunDuration: {} } })).toEqual([
      'scheduling.maxRunDuration.seconds',
    ]);
    expect(await problemsOf(types.instance, { ...machine, attachedDisks: 'one' })).toEqual(['attachedDisks']);
    expect(await problemsOf(types.instance, { ...machine, canIpForward: 'yes' })).toEqual(['canIpForward']);
  });

  it('what excludes each other, a name that Google would not take', async () => {
    const rule = { name: 'r', network: 'n', allows: [{ protocol: 'tcp' }], sourceServiceAccounts: ['a'] };
    expect(await problemsOf(types.firewall, rule)).toEqual([]);
    expect(await problemsOf(types.firewall, { ...rule, targetTags: ['x'] })).toEqual(['targetTags']);
    expect(await problemsOf(types.firewall, { ...rule, allows: [] })).toEqual(['allows']);
    expect(await problemsOf(types.network, { name: 'Not_so' })).toEqual(['name']);
  });

  it('a type of resource that is not in its table, by name', async () => {
    const { provider } = await open();
    expect(() => provider.check('gcp:pubsub/topic:Topic', urn('x'), {}, {})).toThrow('gcp:pubsub/topic:Topic');
  });

  it('an API that is not enabled, a name that is taken, what is not there, what is still used', async () => {
    const fresh = new Provider({
      name: 'gcp',
      kinds: gcpKinds,
      cloud: new Cloud(gcpKinds),
      requiredConfig: ['project'],
    });
    await expect(fresh.create(types.network, config, { name: 'n' }, false)).rejects.toThrow('SERVICE_DISABLED');
    const { provider } = await open();
    const { id } = await provider.create(types.network, config, { name: 'n' }, false);
    await expect(provider.create(types.network, config, { name: 'n' }, false)).rejects.toThrow('alreadyExists');
    const rule = { name: 'r', network: id, allows: [{ protocol: 'tcp' }] };
    await expect(provider.create(types.firewall, config, { ...rule, network: 'none' }, false)).rejects.toThrow(
      'notFound',
    );
    const firewall = await provider.create(types.firewall, config, rule, false);
    await expect(provider.delete(types.network, config, id)).rejects.toThrow('resourceInUse');
    await provider.delete(types.firewall, config, firewall.id);
    await provider.delete(types.network, config, id);
  });

  it('a project that is not configured', async () => {
    const { provider } = await open();
    expect(provider.checkConfig({}).map(({ path }) => path)).toEqual(['project']);
  });
});

describe('what a change means', () => {
  const differ = async (type: string, before: Values, after: Values): Promise<object> =>
    (await open()).provider.diff(type, before, after);

  it('attributes and addresses in place; another image or name is another machine', async () => {
    const inPlace = {
      ...machine,
      metadata: { a: '2' },
      networkInterfaces: [{ network: 'n', accessConfigs: [{ natIp: '203.0.113.2' }] }],
    };
    expect(await differ(types.instance, machine, inPlace)).toMatchObject({
      changes: ['metadata', 'networkInterfaces'],
      replaces: [],
    });
    const image = { ...machine, bootDisk: { initializeParams: { image: 'other' } } };
    expect(await differ(types.instance, machine, image)).toMatchObject({
      replaces: ['bootDisk'],
      deleteBeforeReplace: true,
    });
    expect(await differ(types.instance, machine, { ...machine, metadataStartupScript: 'x' })).toMatchObject({
      replaces: ['metadataStartupScript'],
    });
    expect(await differ(types.address, { region: 'a' }, { region: 'b' })).toMatchObject({ replaces: ['region'] });
  });

  it('an order that means nothing changes nothing, and neither does the wrapping of a secret', async () => {
    const rule = { sourceServiceAccounts: ['a', 'b'] };
    expect(await differ(types.firewall, rule, { sourceServiceAccounts: ['b', 'a'] })).toMatchObject({ changes: [] });
    expect(await differ(types.firewall, rule, { sourceServiceAccounts: ['b'] })).toMatchObject({
      changes: ['sourceServiceAccounts'],
      replaces: [],
    });
    expect(await differ(types.object, { content: secret('a') }, { content: 'a' })).toMatchObject({ changes: [] });
    expect(await differ(types.object, { content: secret('a') }, { content: secret('b') })).toMatchObject({
      replaces: ['content'],
    });
  });

  it('what cannot be known yet counts as changed', () => {
    expect(changedPaths({ a: 1, b: { c: 'x' } }, { a: 1, b: { c: UNKNOWN } }, [])).toEqual(['b.c']);
  });

  it('a machine that would have to be stopped is left alone, unless the program allows it', async () => {
    const { provider } = await open();
    await provider.create(types.network, config, { name: 'n' }, false);
    const { id } = await provider.create(types.instance, config, machine, false);
    const bigger = { ...machine, machineType: 'e2-medium' };
    await expect(provider.update(types.instance, id, machine, bigger, false)).rejects.toThrow('requires stopping');
    const allowed = await provider.update(
      types.instance,
      id,
      machine,
      { ...bigger, allowStoppingForUpdate: true },
      false,
    );
    expect(allowed.outputs.machineType).toBe('e2-medium');
  });
});

describe('what it gives back', () => {
  it('makes a name, keeps it, and replaces one of its making before it deletes the old one', async () => {
    const { provider } = await open();
    const first = provider.check(types.bucket, urn(types.bucket, 'results'), {}, { location: 'US' }).inputs;
    expect(first.name).toMatch(/^results-[0-9a-f]{7}$/);
    const second = provider.check(types.bucket, urn(types.bucket, 'results'), first, { location: 'EU' }).inputs;
    expect(second.name).toBe(first.name);
    expect(provider.diff(types.bucket, first, second)).toEqual({
      changes: ['location'],
      replaces: ['location'],
      deleteBeforeReplace: false,
    });
  });

  it('in a preview leaves open what it would compute; afterwards a secret is still one', async () => {
    const { provider, cloud } = await open();
    const inputs = { bucket: 'plans', name: 'plan.yaml', content: secret('name: a\n') };
    const foreseen = await provider.create(types.object, config, inputs, true);
    expect(foreseen).toMatchObject({ id: '', outputs: { generation: UNKNOWN, content: secret('name: a\n') } });
    await provider.create(types.bucket, config, { name: 'plans', location: 'US' }, false);
    const made = await provider.create(types.object, config, inputs, false);
    expect(made).toMatchObject({
      id: 'plans-plan.yaml',
      outputs: { content: secret('name: a\n'), outputName: 'plan.yaml' },
    });
    expect(cloud.get(types.object, made.id)?.inputs.content).toBe('name: a\n');
    expect(provider.read(types.object, made.id)).not.toBeNull();
    expect(provider.read(types.object, 'none')).toBeNull();
  });
});

it('every row of the table says where it is documented', () => {
  for (const kind of Object.values(gcpKinds))
    for (const { docs } of [kind, ...kind.rules])
      expect(docs).toMatch(/^https:\/\/(registry\.terraform\.io|cloud\.google\.com)\//);
});
