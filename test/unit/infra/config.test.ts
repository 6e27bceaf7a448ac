import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notBuilt, parseStackConfig, StackConfigError } from '../../../infra/src/config/parse.ts';
import type { StackConfig } from '../../../infra/src/config/schema.ts';
import { regions } from '../../../infra/src/plan/regions.ts';

const least = { regions: '["us-east1","europe-west1","asia-northeast1"]', plan: 'plan.yaml' };
const parse = (
  values: Record<string, string>,
  stack = 'dev',
  project: string | undefined = 'my-project',
): StackConfig => parseStackConfig({ project, stack, values });

function problemsOf(values: Record<string, string>, stack?: string): readonly string[] {
  try {
    parse(values, stack);
  } catch (error) {
    if (error instanceof StackConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration of a stack', () => {
  it('needs a project, regions and a plan, and has a default for all else', () => {
    expect(parse(least)).toEqual({
      project: 'my-project',
      stack: 'dev',
      regions: ['us-east1', 'europe-west1', 'asia-northeast1'],
      plan: 'plan.yaml',
      nodesPerRegion: 1,
      loadNodesPerRegion: 0,
      runtime: { kind: 'gce', machineType: 'e2-standard-2', dataDiskGib: 10, maxRunHours: 24 },
      deploy: { kind: 'bundle' },
      keys: 'state',
      bucketLocation: 'US',
      keepResults: true,
    });
  });

  it('names all that is missing at once, with the command that mends it', () => {
    expect(() => parseStackConfig({ project: undefined, stack: 'dev', values: {} })).toThrow(
      /3 problem.*\n {2}gcp:project: is required: `pulumi config set gcp:project[^]*tutti:regions: is required[^]*tutti:plan: is required/,
    );
  });

  it.each<[string, Record<string, string>, string]>([
    ['an unknown key', { region: '["us-east1"]' }, 'tutti:region: is not a key (known: regions, plan, nodesPerRegion'],
    [
      'an unknown key of a runtime',
      { runtime: '{"kind":"gce","disk":1}' },
      'tutti:runtime.disk: is not a key; `pulumi config rm --path',
    ],
    [
      'an unknown region',
      { regions: '["us-east1","eu-west1","us-west1"]' },
      'tutti:regions[1]: "eu-west1" is no region',
    ],
    [
      'a region twice',
      { regions: '["us-east1","us-west1","us-east1"]' },
      'tutti:regions: names us-east1 more than once; leave one',
    ],
    [
      'regions that are no list',
      { regions: 'us-east1' },
      'tutti:regions: is required: a list; `pulumi config set --path',
    ],
    ['no region', { regions: '[]' }, 'tutti:regions: must name at least one region'],
    [
      'too few nodes',
      { regions: '["us-east1","us-west1"]' },
      '2 voter(s), and fewer than 3 cannot lose any; `pulumi config set tutti:nodesPerRegion 2`',
    ],
    [
      'too many nodes',
      { nodesPerRegion: '3' },
      'are 9 voter(s), and at most 7 are useful; `pulumi config set tutti:nodesPerRegion 2`',
    ],
    [
      'more nodes than a project has accounts for',
      { loadNodesPerRegion: '40' },
      '123 nodes in all, each with a service account, and a project has 100 (its quota); `pulumi config set tutti:loadNodesPerRegion 32`',
    ],
    ['a number that is none', { nodesPerRegion: 'two' }, 'tutti:nodesPerRegion: must be a whole number from 1 to 7'],
    [
      'another runtime',
      { runtime: '{"kind":"cloudrun"}' },
      'tutti:runtime.kind: must be a map with `kind`: gce (Cloud Run is not built yet)',
    ],
    ['a runtime by its name alone', { runtime: 'gce' }, 'tutti:runtime: must be a map with `kind`: gce'],
    [
      'an unknown machine',
      { runtime: '{"kind":"gce","machineType":"m1"}' },
      'tutti:runtime.machineType: must be one of e2-small',
    ],
    [
      'a limit too long',
      { runtime: '{"kind":"gce","maxRunHours":9999}' },
      'tutti:runtime.maxRunHours: must be a whole number from 1 to 720',
    ],
    [
      'an image by tag',
      { deploy: '{"kind":"image","image":"ghcr.io/a/b:1"}' },
      'tutti:deploy.image: must be an image by digest',
    ],
    ['a project among the keys', { project: 'x' }, 'the project is gcp:project'],
    ['other keys', { keys: 'vault' }, 'tutti:keys: must be state, external or none'],
    ['a word for a boolean', { keepResults: 'yes' }, 'tutti:keepResults: must be true or false'],
  ])('refuses %s, naming the key and the remedy', (_, values, message) => {
    const problems = problemsOf({ ...least, ...values });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  it.each(['Dev', 'a-very-long-stack-name', '1', 'x-', ''])('refuses %j as the name of a stack', (stack) => {
    expect(problemsOf(least, stack)).toEqual([expect.stringMatching(/^stack: is the name .*`pulumi stack rename`$/)]);
  });

  it('holds three to seven voters whatever is accepted', () => {
    const names = fc.subarray(
      regions.map(({ name }) => name),
      { minLength: 1, maxLength: 9 },
    );
    fc.assert(
      fc.property(names, fc.integer({ min: 0, max: 9 }), (list, nodesPerRegion) => {
        const values = { ...least, regions: JSON.stringify(list), nodesPerRegion: String(nodesPerRegion) };
        const voters = list.length * nodesPerRegion;
        expect(problemsOf(values).length === 0).toBe(voters >= 3 && voters <= 7);
      }),
    );
  });
});

describe('what is not built yet', () => {
  const image = (host: string): string =>
    JSON.stringify({ kind: 'image', image: `${host}/tutti@sha256:${'a'.repeat(64)}` });

  it('is nothing of the defaults', () => {
    expect(notBuilt(parse(least))).toEqual([]);
  });

  it.each(['state', 'external', 'none'])(
    'leaves load-only nodes and an image that anybody may pull, with keys: %s',
    (keys) => {
      expect(notBuilt(parse({ ...least, keys, loadNodesPerRegion: '2', deploy: image('ghcr.io/me') }))).toEqual([]);
    },
  );

  it.each([
    [
      { deploy: image('europe-docker.pkg.dev/p') },
      'an image on gcr.io, or in Artifact Registry of another project, is not built',
    ],
    [{ deploy: image('eu.gcr.io/p') }, 'an image on gcr.io, or in Artifact Registry of another project, is not built'],
  ])('%j is one of it', (values, message) => {
    const all = notBuilt(parse({ ...least, ...values }));
    expect(all).toEqual([expect.stringContaining(message)]);
  });
});
