import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { StandInCloud } from '../../cloud/engine/stand-in.ts';
import { EngineFailure, Stack, type Step } from '../../cloud/engine/stack.ts';
import { availableOrSkip } from '../../support/available.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';
import { findPulumi } from '../../support/pulumi/find.ts';

/** A dozen commands of the engine, each of seconds, on a machine that is busy. */
const timeout = buildTimeoutMs + 600_000;
const planOf = (path: string): string => `version: '1.0'
config: { baseUrl: 'http://198.51.100.10', duration: 10s }
load: { model: rps, target: 5 }
scenarios: [{ name: visit, steps: [{ request: { method: GET, path: ${path} } }] }]
`;
const three = ['us-central1', 'europe-west1', 'asia-northeast1'];
const four = ['us-central1', 'us-west1', 'europe-west1', 'asia-northeast1'];

interface Rehearsed {
  readonly stand: StandInCloud;
  readonly stack: Stack;
  readonly setPlan: (text: string) => void;
  readonly setRegions: (regions: readonly string[]) => Promise<void>;
}

async function withStack(context: TestContext, use: (rehearsed: Rehearsed) => Promise<void>): Promise<void> {
  const stand = await StandInCloud.open(await availableOrSkip(context, findPulumi));
  try {
    const stack = await Stack.init(stand.workspace, 'dev');
    const setPlan = (text: string): void => writeFileSync(join(stand.directory, 'plan.yaml'), text);
    const setRegions = async (regions: readonly string[]): Promise<void> => {
      for (const [at, region] of regions.entries()) await stack.configure(`tutti:regions[${at}]`, region);
      if (regions.length === three.length) await stack.forget(`tutti:regions[${three.length}]`);
    };
    // All else is as a first stack has it: keys in the state, the node in a bundle.
    await stack.configure('gcp:project', 'my-project');
    await stack.configure('tutti:plan', '../plan.yaml');
    setPlan(planOf('/first'));
    await setRegions(three);
    await use({ stand, stack, setPlan, setRegions });
  } finally {
    stand.close();
  }
}

const opsOf = (steps: readonly Step[]): readonly string[] => [...new Set(steps.map(({ op }) => op))].sort();
/** Not the components, which have nothing of their own. */
const google = (steps: readonly Step[]): readonly Step[] => steps.filter(({ type }) => type.startsWith('gcp:'));
const there = (stand: StandInCloud, kind: string): readonly string[] =>
  stand.cloud.resources.filter(({ type }) => type.endsWith(`:${kind}`)).map(({ id }) => id);

/** All that the engine has kept of the stack: its state, the states before, and what was configured. */
function keptTexts({ directory }: StandInCloud): readonly string[] {
  const files = readdirSync(join(directory, 'state'), { recursive: true, withFileTypes: true });
  return files.filter((one) => one.isFile()).map((one) => readFileSync(join(one.parentPath, one.name), 'utf8'));
}

/** As JSON writes them, since a key has several lines. */
function secretsIn({ cloud }: StandInCloud): readonly string[] {
  const versions = cloud.resources.filter(({ type }) => type.endsWith(':SecretVersion'));
  const data = versions.map(({ inputs }) => inputs.secretData as string);
  const keys = data.map((text) => /-----BEGIN [A-Z ]*PRIVATE KEY-----\\n([^-]+?)\\n/.exec(text)?.[1] ?? text);
  return keys.map((key) => key.slice(0, 40));
}

it(
  'the real engine makes a stack, finds nothing to do, changes what changed, and takes all away',
  { timeout },
  (context) =>
    withStack(context, async ({ stand, stack, setPlan, setRegions }) => {
      expect(opsOf(await stack.preview())).toEqual(['create']);
      expect(stand.cloud.resources).toEqual([]);
      expect(opsOf(await stack.up())).toEqual(['create']);
      expect([there(stand, 'Instance').length, there(stand, 'Address').length]).toEqual([3, 6]);
      expect((await stack.outputs()).plan).toBe('gs://my-project-tutti-dev-config/plan.yaml');
      expect(await stack.up()).toEqual([]);

      const kept = keptTexts(stand).join('');
      expect(kept).toContain('tutti-dev-us-central1-1-keys');
      expect(secretsIn(stand)).toHaveLength(4);
      for (const secret of [...secretsIn(stand), 'PRIVATE KEY']) expect(kept).not.toContain(secret);

      setPlan(planOf('/second'));
      const replaced = google(await stack.up());
      expect(new Set(replaced.map(({ type, name }) => `${type} ${name}`))).toEqual(
        new Set(['gcp:storage/bucketObject:BucketObject tutti-dev-config-plan']),
      );
      expect(
        stand.cloud.get('gcp:storage/bucketObject:BucketObject', 'my-project-tutti-dev-config-plan.yaml')?.inputs
          .content,
      ).toBe(planOf('/second'));

      await setRegions(four);
      expect(opsOf(google(await stack.preview()))).toEqual(['create', 'update']);
      const more = google(await stack.up());
      expect(opsOf(more)).toEqual(['create', 'update']);
      const updated = more.filter(({ op }) => op === 'update');
      expect(new Set(updated.map(({ type }) => type))).toEqual(
        new Set(['gcp:compute/instance:Instance', 'gcp:compute/firewall:Firewall']),
      );
      expect(more.filter(({ op }) => op === 'create').every(({ name }) => name.includes('us-west1'))).toBe(true);
      expect(await stack.up()).toEqual([]);

      await setRegions(three);
      const fewer = google(await stack.up());
      expect(opsOf(fewer)).toEqual(['delete', 'update']);
      expect(fewer.filter(({ op }) => op === 'delete').every(({ name }) => name.includes('us-west1'))).toBe(true);
      expect(there(stand, 'Instance')).toHaveLength(3);

      expect(opsOf(google(await stack.destroy()))).toEqual(['delete']);
      const left = stand.cloud.resources.filter(({ type }) => type !== 'gcp:projects/service:Service');
      expect(left.map(({ type, id }) => [type, id])).toEqual([
        ['gcp:storage/bucket:Bucket', expect.stringMatching(/^tutti-dev-results-[0-9a-f]{7}$/) as string],
      ]);

      // What stayed is in nobody's way.
      expect(opsOf(google(await stack.up()))).toEqual(['create']);
      await stack.configure('tutti:keepResults', 'false');
      await stack.up();
      await stack.destroy();
      expect(there(stand, 'Bucket')).toHaveLength(1);
    }),
);

it('the real engine hears from the provider what Google would refuse', { timeout }, (context) =>
  withStack(context, async ({ stand, stack }) => {
    await stack.configure('gcp:project', '');
    await expect(stack.preview()).rejects.toThrow(EngineFailure);
    await stack.configure('gcp:project', 'my-project');
    await stack.up();
    await stack.configure('tutti:runtime.kind', 'gce');
    await stack.configure('tutti:runtime.machineType', 'e2-standard-4');
    await expect(stack.up()).rejects.toThrow(/Changing machineType on a started instance requires stopping it/);
    expect(there(stand, 'Instance')).toHaveLength(3);
  }),
);
