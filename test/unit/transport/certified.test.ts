import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issue, makeAuthority } from '../../../infra/src/cloud/keys/certificates.ts';
import { findBorrowedName, uncertified } from '../../../node/src/transport/certified.ts';
import { certifiedBy } from '../../../node/src/transport/peer/certificate.ts';

const authority = makeAuthority('test', 1);
const certifiedFor = (...names: readonly string[]): ReturnType<typeof certifiedBy> =>
  certifiedBy(new X509Certificate(issue(authority, names, 1).certificate));

describe('the names in a certificate', () => {
  it.each<[readonly string[], string, boolean]>([
    [['DNS:us-east1-1', 'IP:10.0.0.1'], 'us-east1-1', true],
    [['DNS:a', 'DNS:b'], 'b', true],
    [['DNS:a'], 'A', false],
    [['DNS:*.example'], 'b.example', false],
    [['DNS:a.example'], '.example', false],
    [['DNS:a.example'], 'a', false],
    [['IP:10.0.0.1'], '10.0.0.1', false],
    // The common name, which does not count.
    [['DNS:a'], 'tutti', false],
  ])('%j are those of "%s": %s', (names, id, expected) => {
    expect(certifiedFor(...names).names(id)).toBe(expected);
  });

  it('are told with what to do; without TLS there is nothing to ask of them', () => {
    expect(findBorrowedName(certifiedFor('DNS:a', 'IP:10.0.0.1'), 'b', 'node "b" at b:7000')).toMatch(
      /^the certificate of node "b" at b:7000 is not that node's, but of: DNS:a, IP Address:10\.0\.0\.1\. .*\(DNS:b\)$/,
    );
    expect(findBorrowedName(null, 'b', 'b')).toBeNull();
    expect(findBorrowedName(certifiedFor('DNS:b'), 'b', 'b')).toBeNull();
  });

  it('of a connection whose certificate is not known are nobody’s', () => {
    expect(findBorrowedName(uncertified, 'b', 'node "b"')).toMatch(/not that node's, but of: none/);
  });
});
