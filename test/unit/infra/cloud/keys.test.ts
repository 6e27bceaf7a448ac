import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keys } from '../../../../infra/src/cloud/commands/keys.ts';
import type { StackOutputs } from '../../../../infra/src/outputs.ts';
import { parseKeyPayload } from '../../../../node/src/credentials/key-payload.ts';
import { fakeContext, type FakeContext } from '../../../support/cloud/fake-context.ts';
import { stackOutputs } from '../../../support/cloud/outputs.ts';

const external: StackOutputs = { ...stackOutputs, keys: 'external' };
const token = stackOutputs.apiToken!;

let folder: string;
let versions: Map<string, string[]>;
let fake: FakeContext;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tutti-cloud-keys-')), 'authority');
  versions = new Map();
  fake = contextOf(external);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

function contextOf(outputs: StackOutputs): FakeContext {
  return fakeContext({
    engine: { outputs: () => Promise.resolve(outputs) },
    secrets: {
      hasVersion: (secret) => Promise.resolve(versions.has(secret)),
      addVersion(secret, text) {
        versions.set(secret, [...(versions.get(secret) ?? []), text]);
        return Promise.resolve(`${secret}/versions/${versions.get(secret)!.length}`);
      },
    },
  });
}
const run = (options: Record<string, string | boolean> = {}): Promise<number> =>
  keys.run(fake.context, [], { folder, ...options });

interface Kept {
  readonly certificate: X509Certificate;
  readonly authorities: readonly X509Certificate[];
}

/** Of the newest version for the first node, as that node will read it. */
function newest(): Kept {
  const payload = parseKeyPayload(versions.get(stackOutputs.nodes[0]!.keysSecret!)!.at(-1)!);
  if (typeof payload === 'string') throw new Error(payload);
  const texts = payload.ca.match(/-----BEGIN[^-]+-----[^-]+-----END CERTIFICATE-----/g)!;
  const authorities = texts.map((text) => new X509Certificate(text));
  return { certificate: new X509Certificate(payload.certificate), authorities };
}
const signerOf = ({ certificate, authorities }: Kept): number =>
  authorities.findIndex(({ publicKey }) => certificate.verify(publicKey));

describe('scripts/cloud keys', () => {
  it('uploads a set of keys for each node, which names it and its address, and a token', async () => {
    expect(await run()).toBe(0);
    const secrets = [...stackOutputs.nodes.map(({ keysSecret }) => keysSecret!), token];
    expect([...versions.keys()]).toEqual(secrets);
    for (const { id, internalIp, keysSecret } of stackOutputs.nodes) {
      const payload = parseKeyPayload(versions.get(keysSecret!)![0]!) as { certificate: string };
      const { subjectAltName } = new X509Certificate(payload.certificate);
      expect(subjectAltName).toBe(`DNS:${id}, IP Address:${internalIp}`);
    }
    expect(signerOf(newest())).toBe(0);
    expect(versions.get(token)![0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(fake.results[0]!.value).toMatchObject({ versions: secrets.map((name) => `${name}/versions/1`) });
  });

  it('keeps the authority, where this user alone may read it, and nothing else; it signs the next keys as well', async () => {
    await run();
    const [first] = newest().authorities;
    expect(readdirSync(folder)).toEqual(['authority.pem']);
    expect([statSync(folder).mode & 0o777, statSync(join(folder, 'authority.pem')).mode & 0o777]).toEqual([
      0o700, 0o600,
    ]);
    await run();
    expect(newest().authorities.map(({ fingerprint256 }) => fingerprint256)).toEqual([first!.fingerprint256]);
    // Clients have the token; a new one is for whoever asks for it.
    expect(versions.get(token)).toHaveLength(1);
    await run({ newToken: true });
    expect(new Set(versions.get(token)).size).toBe(2);
    const told = JSON.stringify([fake.results, fake.progress]);
    for (const text of [...versions.values()].flat()) expect(told).not.toContain(text);
  });

  it('exchanges the authority in three steps, of which each trusts what the one before has given out', async () => {
    await run();
    const [before] = newest().authorities.map(({ fingerprint256 }) => fingerprint256);
    await run({ authority: 'add' });
    const added = newest();
    expect([added.authorities.length, added.authorities[signerOf(added)]!.fingerprint256]).toEqual([2, before]);
    await run({ authority: 'switch' });
    const switched = newest();
    const after = switched.authorities[signerOf(switched)]!.fingerprint256;
    expect([switched.authorities.length, after === before]).toEqual([2, false]);
    await run({ authority: 'drop' });
    expect(newest().authorities.map(({ fingerprint256 }) => fingerprint256)).toEqual([after]);
    expect(signerOf(newest())).toBe(0);
  });

  it.each<[string, readonly string[], string, RegExp]>([
    ['before there is any', [], 'add', /no authority yet/],
    ['that is no step', [], 'renew', /must be add, switch, drop, not 'renew'/],
    ['to what was not added', ['none'], 'switch', /none to switch to; first: --authority add/],
    ['that is dropped before it was replaced', ['none', 'add'], 'drop', /none to drop/],
    ['twice added', ['none', 'add'], 'add', /already; .*--authority switch/],
    ['added while the one before is trusted', ['none', 'add', 'switch'], 'add', /first: --authority drop/],
  ])('refuses an exchange %s, and uploads nothing', async (_what, steps, step, reason) => {
    for (const one of steps) await run(one === 'none' ? {} : { authority: one });
    const uploaded = [...versions.values()].flat().length;
    await expect(run({ authority: step })).rejects.toMatchObject({
      exitCode: 104,
      message: expect.stringMatching(reason) as string,
    });
    expect([...versions.values()].flat()).toHaveLength(uploaded);
  });

  it.each(['state', 'none'] as const)('says so where the keys of a stack are not made here: %s', async (kind) => {
    fake = contextOf({ ...stackOutputs, keys: kind });
    await expect(run()).rejects.toMatchObject({
      exitCode: 104,
      message: expect.stringContaining(`tutti:keys ${kind}`) as string,
    });
    expect(() => readFileSync(folder)).toThrow(/ENOENT/);
  });
});
