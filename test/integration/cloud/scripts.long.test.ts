import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, type TestContext } from 'vitest';
import { StandInCloud } from '../../cloud/engine/stand-in.ts';
import { EngineFailure, Stack } from '../../cloud/engine/stack.ts';
import { availableOrSkip } from '../../support/available.ts';
import { FakeGoogleCloud } from '../../support/cloud/fake-google-cloud.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';
import { findPulumi } from '../../support/pulumi/find.ts';

/** A dozen commands of the engine, each of seconds, on a machine that is busy. */
const timeout = buildTimeoutMs + 600_000;
const pathOf = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const config = {
  'gcp:project': 'my-project',
  'tutti:plan': '../plan.yaml',
  'tutti:keys': 'none',
  'tutti:deploy.kind': 'image',
  'tutti:deploy.image': `ghcr.io/me/tutti@sha256:${'0'.repeat(64)}`,
  'tutti:regions[0]': 'us-central1',
  'tutti:regions[1]': 'europe-west1',
  'tutti:regions[2]': 'asia-northeast1',
};

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
interface Rehearsed {
  readonly stand: StandInCloud;
  readonly stack: Stack;
  readonly cloud: (...args: readonly string[]) => Promise<Ended>;
}

async function withStack(context: TestContext, use: (rehearsed: Rehearsed) => Promise<void>): Promise<void> {
  const stand = await StandInCloud.open(await availableOrSkip(context, findPulumi));
  const google = await FakeGoogleCloud.start();
  try {
    const stack = await Stack.init(stand.workspace, 'dev');
    for (const [key, value] of Object.entries(config)) await stack.configure(key, value);
    copyFileSync(pathOf('examples/minimal.yaml'), join(stand.directory, 'plan.yaml'));
    const cloud = async (...args: readonly string[]): Promise<Ended> => {
      const command = [pathOf('scripts/cloud.ts'), ...args, '--cwd', stand.workspace.folder];
      const child = spawn(process.execPath, command, {
        env: { ...process.env, ...stand.workspace.environment, ...google.environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const said = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code, ...said };
    };
    await use({ stand, stack, cloud });
  } finally {
    stand.close();
    await google.stop();
  }
}

const count = (stand: StandInCloud, kind: string): number =>
  stand.cloud.resources.filter(({ type }) => type.endsWith(`:${kind}`)).length;

it('scripts/cloud has the real engine make a stack, change it and take it away', { timeout }, (context) =>
  withStack(context, async ({ stand, stack, cloud }) => {
    const made = await cloud('up', '--yes', '--no-wait');
    expect([made.code, made.stderr]).toEqual([
      0,
      expect.stringMatching(/^ {2}created Instance tutti-dev-us-central1-1/m),
    ]);
    expect(made.stderr).not.toContain('RPC');
    expect(made.stdout).toMatch(/^next: scripts\/cloud result --wait --stack dev$/m);
    expect(count(stand, 'Instance')).toBe(3);

    const again = await cloud('up', '--yes', '--no-wait', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({
      formed: false,
      stack: 'dev',
      nodes: [{ id: 'us-central1-1' }, {}, {}],
    });
    expect(again.stderr).not.toMatch(/^ {2}(created|changed|deleted)/m);

    const changes = (stderr: string): readonly string[] => stderr.match(/^ {2}(?:created|changed|deleted).*/gm) ?? [];
    copyFileSync(pathOf('examples/checkout.yaml'), join(stand.directory, 'plan.yaml'));
    const planned = await cloud('up', '--yes', '--no-wait');
    expect(
      new Set(changes(planned.stderr).map((line) => line.replace(/^ {2}\S+( anew| for another)? | \(.*/g, ''))),
    ).toEqual(new Set(['BucketObject tutti-dev-config-plan']));

    await stack.configure('tutti:regions[3]', 'us-west1');
    const more = await cloud('up', '--yes', '--no-wait');
    expect(changes(more.stderr)).toContainEqual(expect.stringMatching(/^ {2}created Instance tutti-dev-us-west1-1/));
    expect(changes(more.stderr).filter((line) => /deleted|anew/.test(line))).toEqual([]);
    expect(changes(more.stderr).filter((line) => line.startsWith('  created') && !line.includes('us-west1'))).toEqual(
      [],
    );
    await stack.forget('tutti:regions[3]');
    const fewer = await cloud('up', '--yes', '--no-wait');
    expect(changes(fewer.stderr)).toContainEqual(expect.stringMatching(/^ {2}deleted Instance tutti-dev-us-west1-1/));
    expect(changes(fewer.stderr).filter((line) => line.includes('created'))).toEqual([]);
    expect(count(stand, 'Instance')).toBe(3);

    // What the provider refuses is the reason, and how it ends.
    await stack.configure('tutti:runtime.kind', 'gce');
    await stack.configure('tutti:runtime.machineType', 'e2-standard-4');
    const refused = await cloud('up', '--yes', '--no-wait');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/error: tutti-dev-\S+: .*Changing machineType on a started instance/);

    const gone = await cloud('destroy', '--yes', '--stack', 'dev');
    expect([gone.code, count(stand, 'Instance'), count(stand, 'Bucket')]).toEqual([0, 0, 1]);
    expect(gone.stderr).toContain('left where it is Bucket tutti-dev-results');
    expect(gone.stdout).toMatch(/^no machine, disk or address is left\nthe results stay in gs:\/\/tutti-dev-results-/);
    const after = await cloud('status');
    expect([after.code, after.stderr]).toEqual([
      122,
      expect.stringContaining('has nothing yet; make it: scripts/cloud up'),
    ]);
  }),
);

/**
 * The policy pack for the engine. This language host is too old to start one, so a program does as a newer one does: it runs the SDK's own
 * entry for packs.
 */
function packIn(stand: StandInCloud, name: string, rules: string | null): string {
  const folder = join(stand.directory, name);
  mkdirSync(folder);
  for (const file of ['index.mjs', 'package.json']) copyFileSync(pathOf(`infra/policy/${file}`), join(folder, file));
  // Links are followed before imports are resolved; so the pack itself is there, and what it imports is named.
  const imports = { './rules.ts': rules === null ? pathOf('infra/policy/rules.ts') : './own-rules.ts' };
  const pack = readFileSync(pathOf('infra/policy/pack.ts'), 'utf8');
  writeFileSync(join(folder, 'pack.ts'), pack.replace('./rules.ts', imports['./rules.ts']));
  if (rules !== null) writeFileSync(join(folder, 'own-rules.ts'), rules);
  const declared = readFileSync(pathOf('infra/policy/PulumiPolicy.yaml'), 'utf8');
  writeFileSync(join(folder, 'PulumiPolicy.yaml'), declared.replace('name: nodejs', 'name: rehearsed'));
  const program = join(stand.directory, 'bin/pulumi-analyzer-policy-rehearsed');
  const entry = pathOf('node_modules/@pulumi/pulumi/cmd/run-policy-pack');
  writeFileSync(program, `#!/bin/sh\nexec ${process.execPath} ${entry} "$@"\n`);
  chmodSync(program, 0o755);
  return folder;
}

it('the real engine asks the policy pack about every resource, and stops at what it finds', { timeout }, (context) =>
  withStack(context, async ({ stand, stack }) => {
    const preview = (pack: string): Promise<string> =>
      stack.run('preview', '--stack', 'dev', '--non-interactive', '--policy-pack', pack);
    expect(await preview(packIn(stand, 'ours', null))).toMatch(/tutti@v0\.1\.0/);
    const noDisks = `export const rules = [{ name: 'no-disks', description: 'None.', check: ({ type, props }) => type === 'gcp:compute/disk:Disk' && props.size === 10 ? 'is a disk' : null }];\n`;
    const failure: unknown = await preview(packIn(stand, 'strict', noDisks)).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(EngineFailure);
    expect((failure as Error).message).toContain('tutti-dev-us-central1-1-data: is a disk');
  }),
);
