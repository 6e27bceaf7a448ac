import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleScript } from '../../../infra/src/boot/scripts.ts';
import { tarOf } from '../../../infra/src/bundle/tar.ts';
import { FakeGoogle } from '../gcs/fake-google.ts';

const archive = tarOf([{ path: 'node/bin/tutti', isExecutable: true, content: Buffer.from('the launcher') }]);
const digest = createHash('sha256').update(archive).digest('hex');
const object = `bundle-${digest}.tar.gz`;

/** The script that a machine runs, with curl, tar, gzip and the rest as they are on this one; only its folders are others. */
describe('the script that brings the bundle', () => {
  let google: FakeGoogle;
  let folder: string;

  beforeEach(async () => {
    google = await FakeGoogle.start();
    folder = mkdtempSync(join(tmpdir(), 'tutti-fetch-'));
    google.setAttribute('tutti-settings', `CLUSTER_NODE_ID=a\nGCS_API_ENDPOINT=http://${google.host}\n`);
    google.setAttribute('tutti-bundle', `a-bucket/${object}`);
    google.onAsked = (asked) => asked.give(1, gzipSync(archive));
  });
  afterEach(async () => {
    await google.stop();
    rmSync(folder, { recursive: true });
  });

  const run = async (): Promise<{ readonly status: unknown; readonly said: string }> => {
    const script = bundleScript
      .replaceAll('metadata.google.internal', google.host)
      .replaceAll('/run/tutti', join(folder, 'run'))
      .replaceAll('/var/lib/tutti', join(folder, 'lib'));
    const shell = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    shell.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const [status] = (await once(shell, 'close')) as [unknown];
    return { status, said };
  };
  const launcher = (): string => readFileSync(join(folder, 'run/app/node/bin/tutti'), 'utf8');

  it('fetches it with the token of the machine, once, and puts it where the container looks', async () => {
    expect(await run()).toEqual({ status: 0, said: '' });
    expect(launcher()).toBe('the launcher');
    expect(readlinkSync(join(folder, 'run/app'))).toBe(join(folder, 'lib', digest));
    expect(await run()).toEqual({ status: 0, said: '' });
    expect(google.asked.map(({ path, query, authorization }) => [path, query.get('alt'), authorization])).toEqual([
      [`/storage/v1/b/a-bucket/o/${object}`, 'media', 'Bearer the-token'],
    ]);
  });

  it('takes another one at the next start, and leaves the one before', async () => {
    await run();
    const newer = tarOf([{ path: 'node/bin/tutti', isExecutable: true, content: Buffer.from('newer') }]);
    const name = `bundle-${createHash('sha256').update(newer).digest('hex')}.tar.gz`;
    google.setAttribute('tutti-bundle', `a-bucket/${name}`);
    google.onAsked = (asked) => asked.give(1, gzipSync(newer));
    expect(await run()).toEqual({ status: 0, said: '' });
    expect(launcher()).toBe('newer');
    expect(existsSync(join(folder, 'lib', digest))).toBe(true);
  });

  it('uses nothing that is not what its name says, however it came about', async () => {
    const whole = gzipSync(archive);
    for (const wrong of [
      gzipSync(Buffer.from('something else')),
      whole.subarray(0, whole.length - 20),
      Buffer.from('x'),
    ]) {
      google.onAsked = (asked) => asked.give(1, wrong);
      const { status, said } = await run();
      expect(status).toBe(1);
      expect(said).toContain(`gs://a-bucket/${object} is not the archive that its name says`);
      expect(existsSync(join(folder, 'run/app'))).toBe(false);
      expect(existsSync(join(folder, 'lib', digest))).toBe(false);
    }
    google.onAsked = (asked) => asked.answer(403);
    expect((await run()).status).not.toBe(0);
    google.onAsked = (asked) => asked.give(1, whole);
    expect(await run()).toEqual({ status: 0, said: '' });
  });

  it('goes on where a start before was cut off while it unpacked', async () => {
    mkdirSync(join(folder, 'lib', `${digest}.part`, 'node/bin'), { recursive: true });
    writeFileSync(join(folder, 'lib', `${digest}.part`, 'node/bin/tutti'), 'half');
    expect(await run()).toEqual({ status: 0, said: '' });
    expect(launcher()).toBe('the launcher');
  });
});
