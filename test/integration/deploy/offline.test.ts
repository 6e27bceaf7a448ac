import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { availableOrSkip } from '../../support/available.ts';
import { findDebianProgram } from '../../support/find-program.ts';

const run = promisify(execFile);
let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'tutti-deploy-'))));
afterEach(() => rm(directory, { recursive: true }));

it('systemd takes the unit', async (context) => {
  const analyze = await availableOrSkip(context, () => findDebianProgram('systemd-analyze', 'systemd'));
  const unit = (await readFile('examples/deploy/systemd/tutti.service', 'utf8')).replaceAll('/opt/tutti', resolve('.'));
  const verify = async (text: string): Promise<string> => {
    const file = join(directory, 'tutti.service');
    await writeFile(file, text);
    return (await run(analyze, ['verify', file])).stderr;
  };
  expect(await verify(unit)).toBe('');
  expect(await verify(unit.replace('KillMode', 'KillMood'))).toContain("Unknown key 'KillMood'");
});

it('Prometheus takes its configuration, and the rules fire when they should', async (context) => {
  const promtool = await availableOrSkip(context, () => findDebianProgram('promtool', 'prometheus'));
  await run(promtool, ['check', 'config', 'examples/deploy/prometheus/prometheus.yml']);
  const tests = await readFile('test/integration/deploy/rules.test.yml', 'utf8');
  const rules = await readFile('examples/deploy/prometheus/rules.yml', 'utf8');
  const test = async (text: string): Promise<unknown> => {
    await writeFile(join(directory, 'rules.yml'), text);
    const file = join(directory, 'tests.yml');
    await writeFile(file, tests.replace('RULES', 'rules.yml'));
    return run(promtool, ['test', 'rules', file]);
  };
  await test(rules);
  await expect(test(rules.replaceAll('max by', 'sum by'))).rejects.toThrow();
});
