import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../../node/src/lib/log.ts';
import { OwnKeys } from '../../../../node/src/node/keys/own-keys.ts';
import { OwnToken } from '../../../../node/src/node/keys/own-token.ts';
import { TestAuthority } from '../../../integration/transport/certificates.ts';
import { ManualClock } from '../../transport/manual-clock.ts';

const authority = new TestAuthority();
const [first, second, ofB] = [authority.keysOf('a'), authority.keysOf('a'), authority.keysOf('b')];

/** Of a busy machine. */
const patient = { timeout: 15_000 };

let folder: string;
let clock: ManualClock;
let said: string[];
const log = {
  ...silentLog,
  info: (_: object, message: string) => void said.push(`info ${message}`),
  error: (_: object, message: string) => void said.push(`error ${message}`),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tutti-own-'));
  [clock, said] = [new ManualClock(), []];
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);
/** By a rename, as editors and tools do. */
function put(name: string, text: string | Buffer): void {
  writeFileSync(file(`${name}.new`), text);
  renameSync(file(`${name}.new`), file(name));
}
/** Look by look, until it has said so much. */
const saysInTime = (count: number): Promise<void> =>
  vi.waitFor(() => {
    clock.advance(5_000);
    expect(said).toHaveLength(count);
  }, patient);

describe('the keys of a node', () => {
  const place = ({ cert, key, ca }: typeof first): void => {
    put('cert', cert);
    put('key', key);
    put('ca', ca);
  };
  const files = (): { cert: string; key: string; ca: string } => ({
    cert: file('cert'),
    key: file('key'),
    ca: file('ca'),
  });

  it('are the changed ones from the next connection on, the same object until they change', async () => {
    place(first);
    const keys = new OwnKeys(files());
    const stop = keys.watch({ nodeId: 'a', clock, unixMs: Date.now, log });
    const before = keys.source();
    expect(keys.source()).toBe(before);
    place(second);
    await saysInTime(1);
    expect(said).toEqual([expect.stringMatching(/^info takes the changed keys for every new connection/)]);
    expect(String(keys.source().cert)).toBe(second.cert);
    await stop();
  });

  it('stay what they were when those of another node or half a set are put there, which is said', async () => {
    place(first);
    const keys = new OwnKeys(files());
    const stop = keys.watch({ nodeId: 'a', clock, unixMs: Date.now, log });
    put('key', second.key);
    await saysInTime(1);
    place(ofB);
    await saysInTime(2);
    expect(said).toEqual([
      expect.stringMatching(/^error the changed keys are not taken, .*does not belong to the certificate/),
      expect.stringMatching(/^error the changed keys are not taken, .*is not that of node "a", but of: DNS:b/),
    ]);
    expect(String(keys.source().key)).toBe(first.key);
    await stop();
  });
});

describe('the token of the API', () => {
  it('is what stands in its file; one that no header could carry is not taken', async () => {
    put('token', 'the-first-token-of-all');
    const token = new OwnToken({ apiAuthToken: 'the-first-token-of-all', apiAuthTokenFile: file('token') });
    const stop = token.watch({ clock, log });
    put('token', 'another-token-than-that\n');
    await saysInTime(1);
    expect([token.source(), said]).toEqual(['another-token-than-that', ['info takes the changed token of the API']]);
    put('token', 'short');
    await saysInTime(2);
    expect(said[1]).toMatch(/^error the token of the API stays as it was: .*must have at least 16 characters/);
    expect(token.source()).toBe('another-token-than-that');
    await stop();
  });

  it('of the settings stays', () => {
    const token = new OwnToken({ apiAuthToken: 'given-by-the-settings', apiAuthTokenFile: null });
    void token.watch({ clock, log });
    clock.advance(60_000);
    expect([token.source(), said]).toEqual(['given-by-the-settings', []]);
  });
});
