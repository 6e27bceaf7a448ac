import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { servedNames } from './google-apis.ts';
import { run } from './run-command.ts';

/** An authority of the rehearsal's own and, by it, the certificate of Google's names: ca.pem, google.pem, google.key in that directory. */
export async function makeCertificates(directory: string): Promise<void> {
  const path = (name: string): string => join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=authority of the rehearsal',
  ]);
  await run('openssl', [
    'req',
    ...newKey,
    '-keyout',
    path('google.key'),
    '-out',
    path('google.csr'),
    '-subj',
    '/CN=storage.googleapis.com',
  ]);
  writeFileSync(path('extensions'), `subjectAltName=${servedNames.map((name) => `DNS:${name}`).join(',')}\n`);
  const signing = [
    '-CA',
    path('ca.pem'),
    '-CAkey',
    path('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    path('extensions'),
  ];
  await run('openssl', ['x509', '-req', '-in', path('google.csr'), ...signing, '-out', path('google.pem')]);
}
