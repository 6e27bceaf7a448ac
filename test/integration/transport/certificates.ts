import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsIdentity } from '../../../node/src/transport/peer/options.ts';

/** A certificate authority of its own, and one certificate for that name, signed by it; made new, kept nowhere. */
export function makeTlsIdentity(subject = 'IP:127.0.0.1'): TlsIdentity {
  const folder = mkdtempSync(join(tmpdir(), 'tutti-tls-'));
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test ca');
    openssl('req', ...newKey, '-keyout', 'node.key', '-out', 'node.csr', '-subj', '/CN=node');
    writeFileSync(join(folder, 'san'), `subjectAltName=${subject}`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'san'];
    openssl('x509', '-req', '-in', 'node.csr', ...signing, '-out', 'node.pem');
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return { cert: read('node.pem'), key: read('node.key'), ca: read('ca.pem') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
