import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type CloudInitInput, cloudInit } from '../../../infra/src/boot/cloud-init.ts';
import { availableOrSkip } from '../../support/available.ts';
import { findDebianProgram } from '../../support/find-program.ts';

const run = promisify(execFile);
let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'tutti-cloud-init-'))));
afterEach(() => rm(directory, { recursive: true, force: true }));

const image = `ghcr.io/me/tutti@sha256:${'0'.repeat(64)}`;
const variants: Readonly<Record<string, CloudInitInput>> = {
  'an image of its own': { image, isBundled: false, registryHost: null, hasCredentials: false },
  'a bundle and keys': { image, isBundled: true, registryHost: 'europe-docker.pkg.dev', hasCredentials: true },
};
const filesOf = (input: CloudInitInput): readonly { readonly path: string; readonly content: string }[] =>
  (parse(cloudInit(input)) as { readonly write_files: { path: string; content: string }[] }).write_files;

/** What a command that is refused said. */
const complaintOf = (command: Promise<unknown>): Promise<string> =>
  command.then(
    () => '',
    (error: unknown) => `${(error as { stdout: string }).stdout}${(error as { stderr: string }).stderr}`,
  );

describe.each(Object.entries(variants))('cloud-init with %s', (_, input) => {
  it('has units that systemd takes', async (context) => {
    const analyze = await availableOrSkip(context, () => findDebianProgram('systemd-analyze', 'systemd'));
    const units = filesOf(input).filter(({ path }) => path.startsWith('/etc/systemd/system/'));
    expect(units.length).toBeGreaterThan(2);
    const verify = async (change: (text: string) => string): Promise<string> => {
      const place = join(directory, 'units');
      await mkdir(place, { recursive: true });
      // What the image of the operating system brings; and a program that is here, in the place of one that is there.
      await writeFile(join(place, 'docker.service'), '[Service]\nExecStart=/bin/true\n');
      // Drop-ins are read with what they belong to.
      const paths = units.map(({ path }) => join(place, relative('/etc/systemd/system', path)));
      for (const path of paths) await mkdir(dirname(path), { recursive: true });
      for (const [at, { content }] of units.entries())
        await writeFile(paths[at]!, change(content).replaceAll('/usr/bin/docker', '/usr/bin/env'));
      const env = { ...process.env, SYSTEMD_UNIT_PATH: `${place}:` };
      return (await run(analyze, ['verify', ...paths.filter((path) => path.endsWith('.service'))], { env })).stderr;
    };
    expect(await verify((text) => text)).toBe('');
    expect(await verify((text) => text.replace('RestartSec', 'RestartSecs'))).toContain('Unknown key');
  });

  it('has scripts that shellcheck takes', async (context) => {
    const shellcheck = await availableOrSkip(context, () => findDebianProgram('shellcheck', 'shellcheck'));
    const scripts = filesOf(input).filter(({ content }) => content.startsWith('#!/bin/sh\n'));
    expect(scripts.length).toBeGreaterThan(2);
    for (const { path, content } of scripts) {
      const file = join(directory, basename(path));
      await writeFile(file, content);
      expect(await complaintOf(run(shellcheck, ['--severity=style', file]))).toBe('');
    }
    const file = join(directory, 'wrong.sh');
    await writeFile(file, '#!/bin/sh\nset -eu\nrm $1\n');
    expect(await complaintOf(run(shellcheck, [file]))).toContain('SC2086');
  });
});
