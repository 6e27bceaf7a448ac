import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { availableOrSkip } from '../../support/available.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';
import { goTool } from '../../support/go-tool.ts';

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'tutti-deploy-'))));
afterEach(() => rm(directory, { recursive: true }));

it.for([
  ['kubernetes.yaml', 'podManagementPolicy', 'podManagmentPolicy'],
  ['kubernetes.yaml', 'replicas: 3', 'replicas: three'],
  ['tutti.nomad.hcl', 'job "tutti" {', 'job "tutti"'],
] as const)(
  'examples/deploy/%s is read strictly, and not without %s',
  { timeout: buildTimeoutMs + 60_000 },
  async ([name, right, wrong], context) => {
    const strict = await availableOrSkip(context, () => goTool('strict-manifests', 'test/integration/deploy/strict'));
    const text = await readFile(`examples/deploy/${name}`, 'utf8');
    expect(text).toContain(right);
    const read = async (what: string): Promise<unknown> => {
      const file = join(directory, name);
      await writeFile(file, what);
      return promisify(execFile)(strict, [file]);
    };
    await read(text);
    await expect(read(text.replace(right, wrong))).rejects.toThrow();
  },
);
