import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syncOnce } from '../../../node/src/credentials/keep-synced.ts';
import { syncCredentials, type Synced } from '../../../node/src/credentials/sync.ts';
import { issue, makeAuthority } from '../../../infra/src/cloud/keys/certificates.ts';
import { FakeGoogle } from '../gcs/fake-google.ts';
import { FakeSecrets } from '../gcs/fake-secrets.ts';
import { HastyClock } from '../gcs/hasty-clock.ts';

const keysName = 'projects/my-project/secrets/tutti-dev-a-keys';
const tokenName = 'projects/my-project/secrets/tutti-dev-api-token';
const token = 'a-token-of-24-characters';
const authority = makeAuthority('test', 1);
const payloadFor = (id: string): string => {
  const { key, certificate } = issue(authority, [`DNS:${id}`], 1);
  return JSON.stringify({ certificate, key, ca: authority.certificate });
};

let google: FakeGoogle;
let secrets: FakeSecrets;
let folder: string;

beforeEach(async () => {
  google = await FakeGoogle.start();
  secrets = new FakeSecrets(google);
  folder = join(mkdtempSync(join(tmpdir(), 'tutti-sync-')), 'credentials');
});
afterEach(async () => {
  rmSync(join(folder, '..'), { recursive: true });
  await google.stop();
});

const sync = (changes: { readonly token?: string | null } = {}): Promise<Synced> => {
  const { endpoint, credentials } = google.address;
  const options = { access: { endpoint, credentials }, keys: keysName, token: tokenName, folder, ...changes };
  const loop = { clock: new HastyClock(), random: () => 0, signal: new AbortController().signal };
  return syncOnce({ ...loop, sync: (signal) => syncCredentials(options, signal) });
};
const read = (name: string): string => readFileSync(join(folder, 'current', name), 'utf8');
const sets = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('set-'));

describe('a sync of credentials', () => {
  it('puts keys and token into one set that only this user may read, and says what they are', async () => {
    const payload = payloadFor('a');
    secrets.add(keysName, payload);
    secrets.add(tokenName, `${token}\n`);
    const { isChanged, lines } = await sync();
    expect(isChanged).toBe(true);
    expect(lines).toEqual([
      expect.stringMatching(/^keys: .*tutti-dev-a-keys\/versions\/1, for DNS:a, valid until \d{4}-/),
      `token: ${tokenName}/versions/1`,
    ]);
    const { certificate, key, ca } = JSON.parse(payload) as Record<string, string>;
    expect(['node.pem', 'node.key', 'ca.pem', 'api-token'].map(read)).toEqual([certificate, key, ca, `${token}\n`]);
    for (const name of readdirSync(join(folder, 'current')))
      expect(statSync(join(folder, 'current', name)).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(folder, 'current')).isSymbolicLink()).toBe(true);
    for (const line of lines) for (const secret of [key!, token]) expect(line).not.toContain(secret);
  });

  it('writes nothing when nothing has changed, and exchanges the whole set when something has', async () => {
    secrets.add(keysName, payloadFor('a'));
    secrets.add(tokenName, token);
    await sync();
    const [first] = sets();
    expect((await sync()).isChanged).toBe(false);
    expect(sets()).toEqual([first]);
    for (const id of ['a', 'a']) {
      secrets.add(keysName, payloadFor(id));
      expect((await sync()).isChanged).toBe(true);
      expect(read('node.key')).toBe((JSON.parse(secrets.versions.get(keysName)!.at(-1)!) as { key: string }).key);
    }
    // The one before stays for whoever is reading it.
    expect(sets()).toHaveLength(2);
    expect(sets()).not.toContain(first);
  });

  it('takes a file away that is not asked for any more, and leaves what is none of its own', async () => {
    secrets.add(keysName, payloadFor('a'));
    secrets.add(tokenName, token);
    await sync();
    writeFileSync(join(folder, 'note'), 'of somebody else');
    expect((await sync({ token: null })).isChanged).toBe(true);
    expect(readdirSync(join(folder, 'current')).sort()).toEqual(['ca.pem', 'node.key', 'node.pem']);
    expect(readFileSync(join(folder, 'note'), 'utf8')).toBe('of somebody else');
  });

  const other = JSON.parse(payloadFor('b')) as Record<string, string>;
  it.each<[string, () => void, RegExp]>([
    [
      'that is not there',
      () => secrets.versions.delete(keysName),
      /keys is not there or has no version: .*scripts\/cloud keys, or by gcloud secrets versions add tutti-dev-a-keys --project=my-project/,
    ],
    [
      'that may not be read',
      () => secrets.forbidden.add(keysName),
      /is forbidden, 403 \(Permission .*denied\); allow it: gcloud secrets add-iam-policy-binding tutti-dev-a-keys .*secretAccessor$/,
    ],
    [
      'that is no JSON',
      () => secrets.add(keysName, 'no'),
      /versions\/2 is no set of keys: it is no JSON; write one by scripts\/cloud keys$/,
    ],
    ['without a key', () => secrets.add(keysName, '{"certificate":"x","ca":"x"}'), /it is no object with the texts/],
    [
      'with the key of another certificate',
      () => secrets.add(keysName, JSON.stringify({ ...(JSON.parse(payloadFor('a')) as object), key: other.key })),
      /its key does not belong to its certificate/,
    ],
    [
      'with garbage for PEM',
      () => secrets.add(keysName, '{"certificate":"x","key":"x","ca":"x"}'),
      /its PEM texts cannot be read/,
    ],
    ['whose token is empty', () => secrets.add(tokenName, '\n'), /api-token\/versions\/2 is empty/],
  ])('of a secret %s changes nothing, and says what to do', async (_what, breakIt, reason) => {
    secrets.add(keysName, payloadFor('a'));
    secrets.add(tokenName, token);
    await sync();
    const before = read('node.key');
    breakIt();
    await expect(sync()).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
      message: expect.stringMatching(reason) as string,
    });
    expect([read('node.key'), sets().length]).toEqual([before, 1]);
  });

  it('asks again where it may pass, and gives up after a while', async () => {
    google.onAsked = (asked) => asked.answer(503);
    await expect(sync()).rejects.toThrow(/the answer was 503/);
    expect(google.asked.length).toBeGreaterThan(4);
  });

  it('says so when the folder cannot be written', async () => {
    secrets.add(keysName, payloadFor('a'));
    secrets.add(tokenName, token);
    mkdirSync(join(folder, 'current', 'x'), { recursive: true });
    await expect(sync()).rejects.toMatchObject({
      code: 'CREDENTIALS_FAILED',
      message: expect.stringMatching(/^CREDENTIALS_DIR: cannot write .*current as a link in it$/) as string,
    });
    expect(readdirSync(join(folder, 'current'))).toEqual(['x']);
  });
});
