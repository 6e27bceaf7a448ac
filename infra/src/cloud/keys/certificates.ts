import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly certificate: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority that has signed itself, by the `openssl` of this machine. */
export function makeAuthority(name: string, days: number): KeyAndCertificate {
  return inFolder((folder) => {
    openssl(
      folder,
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'key',
      '-out',
      'pem',
      '-days',
      String(days),
      '-subj',
      `/CN=${name}`,
    );
    return made(folder);
  });
}

/**
 * A key of its own and a certificate for these names ("DNS:a", "IP:10.0.0.1"), signed by the authority. Files in between are this
 * user's alone, and gone afterwards.
 */
export function issue(authority: KeyAndCertificate, names: readonly string[], days: number): KeyAndCertificate {
  return inFolder((folder) => {
    write(folder, 'ca.key', authority.key);
    write(folder, 'ca.pem', authority.certificate);
    write(folder, 'names', `subjectAltName=${names.join(',')}\nextendedKeyUsage=serverAuth,clientAuth`);
    openssl(folder, 'req', ...newKey, '-keyout', 'key', '-out', 'csr', '-subj', '/CN=tutti');
    const signing = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      String(days),
      '-extfile',
      'names',
    ];
    openssl(folder, 'x509', '-req', '-in', 'csr', ...signing, '-out', 'pem');
    return made(folder);
  });
}

function inFolder<Made>(make: (folder: string) => Made): Made {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-keys-'));
  try {
    return make(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(folder: string, ...words: readonly string[]): void {
  execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
}

function write(folder: string, name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}

function made(folder: string): KeyAndCertificate {
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { key: read('key'), certificate: read('pem') };
}
