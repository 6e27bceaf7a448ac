import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OwnKeys } from '../../../node/src/node/keys/own-keys.ts';
import { LoopbackCluster, networkTransports } from './loopback.ts';
import { Recorder } from './recorder.ts';

const marked = /<!-- run by test\/integration\/transport\/tls-page\.test\.ts -->\s+```sh\n([\s\S]*?)```/.exec(
  readFileSync('docs/tls.md', 'utf8'),
);

describe('the keys of docs/tls.md', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tutti-tls-page-'));
    const script = marked![1]!.replace(/10\.0\.0\.\d/g, '127.0.0.1');
    execFileSync('sh', ['-eu', '-c', script], { cwd: folder, stdio: 'pipe' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const keysOf = (id: string): OwnKeys => {
    const [cert, key, ca] = ['node.pem', 'node.key', 'ca.pem'].map((name) => join(folder, id, name));
    return new OwnKeys({ cert: cert!, key: key!, ca: ca! });
  };

  it('are each of their own node', () => {
    for (const id of ['a', 'b', 'c']) {
      keysOf(id).checkName(id);
      expect(() => keysOf(id).checkName('d')).toThrow(/is not that of node "d", but of: DNS:/);
    }
  });

  it.each(networkTransports)('bring nodes together by %s', async (_, create) => {
    const cluster = new LoopbackCluster(create, ['a', 'b']);
    try {
      const seen = [new Recorder(), new Recorder()];
      for (const [index, id] of ['a', 'b'].entries()) {
        const tls = keysOf(id).source;
        await cluster.make(index, id, { security: { secret: null, tls } }).start(seen[index]!);
      }
      await Promise.all(seen.map((one) => one.until(() => one.up.length === 1)));
    } finally {
      await cluster.close();
    }
  });
});
