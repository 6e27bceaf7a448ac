import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Processes } from '../../scripts/lib/processes.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestAuthority } from '../integration/transport/certificates.ts';
import { FakeGoogle } from '../unit/gcs/fake-google.ts';
import { FakeSecrets } from '../unit/gcs/fake-secrets.ts';
import { TestCluster } from './support/cluster.ts';
import { waitMs } from './support/consul.ts';
import { tutti } from './support/tutti.ts';

const keysName = 'projects/p/secrets/a-keys';
const tokenName = 'projects/p/secrets/api-token';
const authority = new TestAuthority();
const payloadFor = (id: string): string => {
  const { cert, key, ca } = authority.keysOf(id);
  return JSON.stringify({ certificate: cert, key, ca });
};

let google: FakeGoogle;
let secrets: FakeSecrets;
let folder: string;
let processes: Processes;

beforeEach(async () => {
  google = await FakeGoogle.start();
  secrets = new FakeSecrets(google);
  secrets.add(keysName, payloadFor('a'));
  secrets.add(tokenName, 'the-token-of-the-api');
  folder = mkdtempSync(join(tmpdir(), 'tutti-e2e-sync-'));
  processes = new Processes(folder);
});
afterEach(async () => {
  await processes.stopAll();
  rmSync(folder, { recursive: true });
  await google.stop();
});

/** On a machine of Google Cloud, or, with `detection` none, on one without any credentials; whatever this one has. */
const environment = (detection: 'assume-present' | 'none'): Record<string, string> => ({
  ...{ HOME: folder, CLOUDSDK_CONFIG: folder, GOOGLE_APPLICATION_CREDENTIALS: '', GCE_METADATA_IP: '' },
  ...{ GCE_METADATA_HOST: detection === 'none' ? '' : google.host, METADATA_SERVER_DETECTION: detection },
  ...{ SECRET_MANAGER_API_ENDPOINT: `http://${google.host}`, SECRET_MANAGER_API_ENDPOINT_AUTH: 'adc' },
  ...{ CREDENTIALS_DIR: join(folder, 'kept'), CREDENTIALS_KEYS_SECRET: keysName, CREDENTIALS_TOKEN_SECRET: tokenName },
});
const file = (name: string): string => join(folder, 'kept', 'current', name);

describe('tutti credentials sync', () => {
  it('on Google Cloud fetches with the token of the machine, and says what it found', async () => {
    const first = await tutti(['credentials', 'sync'], environment('assume-present'));
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(
      /^keys: .*a-keys\/versions\/1, for DNS:a,.*\ntoken: .*\/versions\/1\nwritten to .*current\n$/,
    );
    expect(new Set(google.asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer the-token']));
    const again = await tutti(['credentials', 'sync'], environment('assume-present'));
    expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/current holds them already\n$/)]);
  });

  it('ends with 1 where they cannot be had, and with 104 for a wrong setting, with what to do', async () => {
    const without = await tutti(['credentials', 'sync'], environment('none'));
    expect([without.code, without.stderr]).toEqual([1, expect.stringMatching(/no Google credentials; .*gcloud auth/)]);
    secrets.forbidden.add(keysName);
    const forbidden = await tutti(['credentials', 'sync'], environment('assume-present'));
    expect([forbidden.code, forbidden.stderr]).toEqual([
      1,
      expect.stringMatching(/403 .*add-iam-policy-binding a-keys/),
    ]);
    const wrong = await tutti(['credentials', 'sync', '--credentials-keys-secret', 'a-keys'], {
      CREDENTIALS_DIR: folder,
    });
    expect([wrong.code, wrong.stderr]).toEqual([
      104,
      expect.stringContaining('must be projects/PROJECT/secrets/SECRET'),
    ]);
    const nothing = await tutti(['credentials', 'sync']);
    expect([nothing.code, nothing.stderr]).toEqual([
      104,
      expect.stringMatching(/^CREDENTIALS_DIR: required[^]*nothing to fetch/),
    ]);
    expect(existsSync(file('node.key'))).toBe(false);
  });

  it('goes on when it is told to: it waits for what is not there yet, and ends in order', async () => {
    secrets.versions.delete(keysName);
    const sync = ['node/bin/tutti', 'credentials', 'sync', '--credentials-watch-secs', '10'];
    const child = processes.start('sync', sync, environment('assume-present'));
    const log = (): string => readFileSync(join(folder, 'sync.log'), 'utf8');
    await waitFor('it to say what is missing', waitMs, () => Promise.resolve(/no version: put one there/.test(log())));
    secrets.add(keysName, payloadFor('a'));
    await waitFor('the keys', waitMs, () => Promise.resolve(existsSync(file('node.key'))), processes.firstDead);
    expect(readFileSync(file('api-token'), 'utf8')).toBe('the-token-of-the-api\n');
    await processes.kill('sync', 'SIGTERM');
    expect(child.exitCode).toBe(0);
  });
});

it('a node with the keys of another one does not start, and says so', async () => {
  secrets.add(keysName, payloadFor('b'));
  expect((await tutti(['credentials', 'sync'], environment('assume-present'))).code).toBe(0);
  const cluster = await TestCluster.prepare(1);
  try {
    const { raft } = cluster.member('a');
    const flags = ['--node-id', 'a', '--nodes', `a=${raft}`, '--bind-addr', raft, '--config-source', 'api'];
    const keys = [
      '--tls-cert-file',
      file('node.pem'),
      '--tls-key-file',
      file('node.key'),
      '--tls-ca-file',
      file('ca.pem'),
    ];
    const node = await tutti(['node', ...flags, ...keys, '--data-dir', join(folder, 'a')]);
    expect([node.code, node.stderr]).toEqual([
      104,
      expect.stringMatching(
        /^CLUSTER_TLS_CERT_FILE: the certificate is not that of node "a", but of: DNS:b, .*\(DNS:a\)/,
      ),
    ]);
  } finally {
    await cluster.stop();
  }
});
