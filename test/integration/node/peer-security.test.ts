import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { peerSecurity, type PeerSecurity } from '../../../node/src/node/doors.ts';
import { readSettings } from '../../../node/src/settings/read.ts';
import { makeTlsIdentity, TestAuthority } from '../transport/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-doors-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string, text: string | Buffer): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};
const authority = new TestAuthority();
const ours = authority.keysOf('a');
const good = { cert: file('node.pem', ours.cert), key: file('node.key', ours.key), ca: file('ca.pem', ours.ca) };
const junk = file('junk.pem', 'no certificate');
const otherKey = file('other.key', makeTlsIdentity().key);

const open = (files: Partial<typeof good>): PeerSecurity => {
  const { cert, key, ca } = { ...good, ...files };
  return peerSecurity(readSettings({}, { tlsCertFile: cert, tlsKeyFile: key, tlsCaFile: ca }));
};

describe('the files of mutual TLS', () => {
  it('are taken when they fit together', () => {
    const { secret, tls, keys } = open({});
    expect([secret, tls!().cert]).toEqual([null, Buffer.from(ours.cert)]);
    keys!.checkName('a');
  });

  it.each([
    ['a certificate that is none', { cert: junk }, `CLUSTER_TLS_CERT_FILE: ${junk} holds no PEM certificate`],
    ['a key that is none', { key: junk }, `CLUSTER_TLS_KEY_FILE: ${junk} holds no PEM private key`],
    ['an authority that is none', { ca: junk }, `CLUSTER_TLS_CA_FILE: ${junk} holds no PEM certificate`],
    ['a key of another certificate', { key: otherKey }, 'CLUSTER_TLS_KEY_FILE: the key does not belong to the'],
  ])('%s is a bad setting, named', (_what, files, message) => {
    expect(() => open(files)).toThrow(
      expect.objectContaining({
        code: 'SETTINGS_INVALID',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });
});
