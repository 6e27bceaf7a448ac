import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { checkNodeSettings, readSettings } from '../../../node/src/settings/read.ts';
import { settings } from '../../../node/src/settings/schema.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

function problemsOf(environment: Record<string, string>, flags = {}): string {
  try {
    checkNodeSettings(readSettings(environment, flags), environment);
  } catch (error) {
    expect(error).toBeInstanceOf(TuttiError);
    expect((error as TuttiError).code).toBe('SETTINGS_INVALID');
    return (error as TuttiError).message;
  }
  throw new Error('the settings were accepted');
}

describe('settings', () => {
  it('have defaults that need nothing and open nothing to the network', () => {
    const read = readSettings({});
    expect(read.clusterEnabled).toBe(false);
    expect(read.bindAddress).toEqual({ host: '127.0.0.1', port: 7000 });
    expect(read.healthAddress).toEqual({ host: '127.0.0.1', port: 8080 });
  });

  it('a flag wins over the environment, which wins over the default', () => {
    expect(readSettings({ CLUSTER_REGION: 'eu' }).region).toBe('eu');
    expect(readSettings({ CLUSTER_REGION: 'eu' }, { region: 'us' }).region).toBe('us');
  });

  it('an unknown CLUSTER_ variable stops the node and names the nearest known one', () => {
    expect(problemsOf({ CLUSTER_BIND_ADDRESS: '127.0.0.1:1' })).toContain(
      'CLUSTER_BIND_ADDRESS: unknown variable; did you mean CLUSTER_BIND_ADDR?',
    );
  });

  it.each([['METRICS_FLUSH_INTERVAL_SECS', '5']])(
    '%s of the cluster section stops a node, and no run on this machine alone',
    (name, value) => {
      const environment = { CLUSTER_NODES: '127.0.0.1', CLUSTER_CONFIG_SOURCE: 'api' };
      const text = problemsOf({ ...environment, [name]: value });
      expect(text).toMatch(new RegExp(`^${name}: .*(is|which is) not supported`));
      expect(text).toContain('1 problem in the settings; nothing was started');
      const empty = { ...environment, [name]: '' };
      checkNodeSettings(readSettings(empty), empty);
      expect(() => readSettings({ [name]: value })).not.toThrow();
    },
  );

  it.each(['CONSUL_ADDR', 'CONSUL_CONFIG_KEY', 'CONSUL_CONFIG_WATCH', 'CLUSTER_ON_CONFIG_ERROR', 'CLUSTER_ON_RELOAD'])(
    '%s does nothing without a source that all nodes share, and says so',
    (name) => {
      const value = { CONSUL_CONFIG_WATCH: 'true', CLUSTER_ON_CONFIG_ERROR: 'exit', CLUSTER_ON_RELOAD: 'next' }[name];
      const given = { CLUSTER_NODES: '127.0.0.1', [name]: value ?? 'something' };
      for (const source of [
        { CLUSTER_CONFIG_SOURCE: 'api' },
        { CLUSTER_CONFIG_SOURCE: 'file', CLUSTER_CONFIG_FILE: 'f' },
      ]) {
        expect(problemsOf({ ...given, ...source })).toMatch(new RegExp(`^${name}: has no effect unless .* consul-kv`));
      }
      const used = { ...given, CLUSTER_CONFIG_SOURCE: 'consul-kv' };
      expect(() => checkNodeSettings(readSettings(used), used)).not.toThrow();
    },
  );

  const bucket = {
    CLUSTER_NODES: '127.0.0.1',
    CLUSTER_CONFIG_SOURCE: 'gcs',
    GCS_CONFIG_BUCKET: 'plans-of.team_1',
    GCS_CONFIG_OBJECT: 'a team/plan.yaml',
  };

  it('a plan in a bucket needs bucket and object, and takes what holds for every source that all nodes share', () => {
    const used = { ...bucket, CLUSTER_ON_CONFIG_ERROR: 'exit', CLUSTER_ON_RELOAD: 'next', GCS_POLL_SECS: '10' };
    expect(() => checkNodeSettings(readSettings(used), used)).not.toThrow();
    const missing = problemsOf({ ...bucket, GCS_CONFIG_BUCKET: '', GCS_CONFIG_OBJECT: '' });
    expect(missing).toMatch(/GCS_CONFIG_BUCKET: required when [^]*GCS_CONFIG_OBJECT: required when [^]*2 problems/);
    expect(problemsOf({ ...bucket, CONSUL_CONFIG_WATCH: 'true' })).toContain('CONSUL_CONFIG_WATCH: has no effect');
  });

  it.each([
    ['GCS_CONFIG_BUCKET', 'plans'],
    ['GCS_CONFIG_OBJECT', 'plan.yaml'],
    ['GCS_POLL_SECS', '10'],
    ['GCS_API_ENDPOINT', 'http://127.0.0.1:4443'],
    ['GCS_API_ENDPOINT_AUTH', 'adc'],
  ])('%s does nothing without a plan in a bucket, and says so', (name, value) => {
    const given = { CLUSTER_NODES: '127.0.0.1', CLUSTER_CONFIG_SOURCE: 'consul-kv', [name]: value };
    expect(problemsOf(given)).toMatch(new RegExp(`^${name}: has no effect unless CLUSTER_CONFIG_SOURCE is gcs.*\n1 `));
  });

  it('results go to a bucket wherever the plan comes from, by an endpoint of one’s own too', () => {
    const results = { CLUSTER_NODES: '127.0.0.1', CLUSTER_CONFIG_SOURCE: 'api', GCS_RESULTS_BUCKET: 'results' };
    const used = { ...results, GCS_API_ENDPOINT: 'http://127.0.0.1:4443', GCS_API_ENDPOINT_AUTH: 'adc' };
    expect(() => checkNodeSettings(readSettings(used), used)).not.toThrow();
    expect(problemsOf({ ...results, GCS_POLL_SECS: '10' })).toContain('GCS_POLL_SECS: has no effect');
    expect(problemsOf({ ...results, STORAGE_EMULATOR_HOST: 'x' })).toContain('use GCS_API_ENDPOINT');
  });

  it.each([
    ['GCS_CONFIG_BUCKET', 'gs://plans', 'without gs://'],
    ['GCS_CONFIG_BUCKET', 'Plans', 'lower-case'],
    ['GCS_CONFIG_OBJECT', 'x'.repeat(1025), '1024 bytes'],
    ['GCS_CONFIG_OBJECT', 'a\nb', 'name of an object'],
    ['GCS_POLL_SECS', '0', 'from 1 to 3600'],
    ['GCS_API_ENDPOINT', '127.0.0.1:4443', 'http://host:port'],
    ['GCS_API_ENDPOINT', 'http://127.0.0.1:4443/storage/v1', 'http://host:port'],
    ['GCS_API_ENDPOINT_AUTH', 'adc', 'unless GCS_API_ENDPOINT is set'],
    ['STORAGE_EMULATOR_HOST', 'http://127.0.0.1:4443', 'use GCS_API_ENDPOINT'],
  ])('%s=%s is refused for a plan in a bucket', (name, value, why) => {
    const text = problemsOf({ ...bucket, [name]: value });
    expect(text).toMatch(new RegExp(`^${name}: `));
    expect(text).toContain(why);
    expect(text).toContain('1 problem in the settings');
  });

  it('what Consul’s own variables would change and tutti does not do is refused where Consul is used, and nowhere else', () => {
    const environment = { CLUSTER_NODES: '127.0.0.1', CONSUL_NAMESPACE: 'team', CONSUL_HTTP_AUTH: 'a:b' };
    const problems = problemsOf({ ...environment, CLUSTER_CONFIG_SOURCE: 'consul-kv' });
    expect(problems).toMatch(/CONSUL_HTTP_AUTH: is not supported; use CONSUL_HTTP_TOKEN[^]*CONSUL_NAMESPACE: is not/);
    const unused = { ...environment, CLUSTER_CONFIG_SOURCE: 'api' };
    expect(() => checkNodeSettings(readSettings(unused), unused)).not.toThrow();
  });

  it.each(['/loadtest/config', 'loadtest/', ' '])('a key of Consul that it would not take is refused: %j', (key) => {
    const environment = { CLUSTER_NODES: '127.0.0.1', CLUSTER_CONFIG_SOURCE: 'consul-kv', CONSUL_CONFIG_KEY: key };
    expect(problemsOf(environment)).toContain('CONSUL_CONFIG_KEY: must be a key');
  });

  it.each([
    ['CLUSTER_ID', 'a'],
    ['CLUSTER_EXPECT_NODES', '3'],
    ['CLUSTER_MIN_PEERS', '2'],
    ['CONSUL_SERVICE_NAME', 'loadtest-cluster'],
    ['CONSUL_DNS', '127.0.0.1:8600'],
    ['CLUSTER_LEAVE_ON_STOP', 'true'],
  ])('%s is for discovery by Consul, and says so elsewhere', (name, value) => {
    const environment = { CLUSTER_NODES: '127.0.0.1', CLUSTER_CONFIG_SOURCE: 'api', [name]: value };
    expect(problemsOf(environment)).toMatch(new RegExp(`^${name}: has no effect unless DISCOVERY_MODE is consul\n1 `));
    const consul = { DISCOVERY_MODE: 'consul', CLUSTER_CONFIG_SOURCE: 'api', CLUSTER_EXPECT_NODES: '3', [name]: value };
    expect(() => checkNodeSettings(readSettings(consul), consul)).not.toThrow();
  });

  it('discovery by Consul demands how many nodes there are, once, and no list of them', () => {
    const consul = { DISCOVERY_MODE: 'consul', CLUSTER_CONFIG_SOURCE: 'api' };
    expect(problemsOf(consul)).toContain('CLUSTER_EXPECT_NODES: required when DISCOVERY_MODE is consul');
    expect(problemsOf({ ...consul, CLUSTER_EXPECT_NODES: '3', CLUSTER_MIN_PEERS: '3' })).toContain(
      'CLUSTER_EXPECT_NODES, CLUSTER_MIN_PEERS: 3 nodes are not 3 besides this one',
    );
    expect(problemsOf({ ...consul, CLUSTER_MIN_PEERS: '2', CLUSTER_NODES: 'a,b' })).toContain(
      'CLUSTER_NODES: has no effect when DISCOVERY_MODE is consul',
    );
    expect(problemsOf({ ...consul, CLUSTER_MIN_PEERS: '2', CLUSTER_ID: 'Not A Name' })).toContain(
      'CLUSTER_ID: must have',
    );
    const used = { ...consul, CLUSTER_MIN_PEERS: '2', CONSUL_ADDR: '127.0.0.1:8500' };
    expect(() => checkNodeSettings(readSettings(used), used)).not.toThrow();
    expect(problemsOf({ ...used, CONSUL_NAMESPACE: 'team' })).toContain('CONSUL_NAMESPACE: is not supported');
  });

  it('discovery by an attribute of the machine demands who founds, and no list', () => {
    const gce = { DISCOVERY_MODE: 'gce', CLUSTER_CONFIG_SOURCE: 'api' };
    const whole = { ...gce, CLUSTER_FOUNDERS: 'gs://a-bucket/founders.txt' };
    // Founders are read from where plans are, so that may be said as well.
    const used = { ...whole, CLUSTER_ROLE: 'learner', GCS_API_ENDPOINT: 'http://127.0.0.1:4443' };
    expect(() => checkNodeSettings(readSettings(used), used)).not.toThrow();
    expect(problemsOf(gce)).toContain('CLUSTER_FOUNDERS: required when DISCOVERY_MODE is gce');
    expect(problemsOf({ ...whole, CLUSTER_NODES: 'a' })).toContain(
      'CLUSTER_NODES: has no effect when DISCOVERY_MODE is gce',
    );
    expect(problemsOf({ ...whole, CLUSTER_EXPECT_NODES: '3' })).toContain(
      'has no effect unless DISCOVERY_MODE is consul',
    );
    expect(problemsOf({ ...gce, CLUSTER_FOUNDERS: 'a-bucket/founders.txt' })).toContain('must be gs://bucket/object');
    expect(problemsOf({ ...whole, CLUSTER_ROLE: 'leader' })).toContain("must be voter or learner, not 'leader'");
    for (const other of [{ CLUSTER_NODES: '127.0.0.1' }, { DISCOVERY_MODE: 'consul', CLUSTER_EXPECT_NODES: '3' }]) {
      const elsewhere = { CLUSTER_CONFIG_SOURCE: 'api', CLUSTER_FOUNDERS: 'gs://a-bucket/x', ...other };
      expect(problemsOf(elsewhere)).toContain('CLUSTER_FOUNDERS: has no effect unless DISCOVERY_MODE is gce');
    }
  });

  it("variables of Consul's own stop nobody", () => {
    const environment = {
      CLUSTER_NODES: '127.0.0.1',
      CLUSTER_CONFIG_SOURCE: 'api',
      CONSUL_HTTP_ADDR: 'http://127.0.0.1:8500',
      CONSUL_HTTP_TOKEN: 't',
      GCS_BUCKET: 'somebody else’s',
    };
    expect(() => checkNodeSettings(readSettings(environment), environment)).not.toThrow();
  });

  it('all problems come at once, flags named as flags', () => {
    const text = problemsOf({ CLUSTER_BIND_ADDR: 'nowhere', CLUSTER_ENABLED: 'maybe' }, { generators: '0' });
    expect(text).toContain('CLUSTER_BIND_ADDR: must be host:port');
    expect(text).toContain('CLUSTER_ENABLED: must be true or false');
    expect(text).toContain('--generators: must be a whole number from 1 to 256');
    expect(text).toContain('3 problems in the settings; nothing was started');
  });

  it('a cluster node must be told its members and where its plan comes from', () => {
    const text = problemsOf({});
    expect(text).toContain('CLUSTER_NODES: required');
    expect(text).toContain('CLUSTER_CONFIG_SOURCE: required; api, file, consul-kv or gcs');
  });

  it('the two companions of custom timings are required with them, and refused without', () => {
    expect(problemsOf({ CLUSTER_TIMINGS: 'custom', CLUSTER_HEARTBEAT_MS: '20' })).toContain(
      'CLUSTER_ELECTION_TIMEOUT_MS: required when CLUSTER_TIMINGS is custom',
    );
    expect(problemsOf({ CLUSTER_HEARTBEAT_MS: '20' })).toContain(
      'CLUSTER_HEARTBEAT_MS: has no effect unless CLUSTER_TIMINGS is custom',
    );
    expect(problemsOf({ CLUSTER_ELECTION_PRIORITY: '101' })).toContain('must be a whole number from 0 to 100');
  });

  it('IPv6 addresses stand in brackets', () => {
    expect(readSettings({ CLUSTER_BIND_ADDR: '[::1]:7000' }).bindAddress).toEqual({ host: '::1', port: 7000 });
    expect(problemsOf({ CLUSTER_BIND_ADDR: '::1:7000' })).toContain('in brackets');
    expect(problemsOf({ CLUSTER_BIND_ADDR: 'host:70000' })).toContain('must be host:port');
  });

  it.each(['host:99999', 'host:100000', 'host:x', 'host', '127.0.0.1:0'])('%s is no address to bind to', (value) => {
    expect(problemsOf({ CLUSTER_BIND_ADDR: value })).toContain(
      'CLUSTER_BIND_ADDR: must be host:port, ports 1 to 65535',
    );
  });

  it('where a service is only looked for by people, port 0 takes any free one', () => {
    for (const name of ['CLUSTER_HEALTH_ADDR', 'METRICS_ADDR']) {
      expect(problemsOf({ [name]: 'host:99999' })).toContain(
        `${name}: must be host:port, ports 0 to 65535 (0: any free)`,
      );
    }
    expect(readSettings({ CLUSTER_HEALTH_ADDR: '127.0.0.1:0' }).healthAddress.port).toBe(0);
    expect(problemsOf({}, { healthAddress: '[::1]:65536' })).toContain(
      '--health-addr: must be host:port, ports 0 to 65535',
    );
  });

  it('secrets come from a variable or a file, never from a flag, never from both', () => {
    const file = join(directory, 'token');
    writeFileSync(file, 'sixteen-characters-and-more\n');
    expect(settings.secret.flag).toBeNull();
    expect(settings.apiAuthToken.flag).toBeNull();
    expect(readSettings({ API_AUTH_TOKEN_FILE: file }).apiAuthToken).toBe('sixteen-characters-and-more');
    expect(problemsOf({ API_AUTH_TOKEN_FILE: join(directory, 'none') })).toContain('ENOENT');
    expect(problemsOf({ CLUSTER_SECRET_FILE: file, CLUSTER_SECRET: 'sixteen-characters-or-more' })).toContain(
      'give one, not both',
    );
    expect(problemsOf({ CLUSTER_SECRET: 'short' })).toContain('at least 16 characters');
  });

  it('a token that no header can carry is refused: nobody could ever send it', () => {
    const file = join(directory, 'two-lines');
    writeFileSync(file, 'sixteen-characters\nand-a-second-line\n');
    for (const token of ['sixteen-characters\nmore', 'sixteen-characters ', 'sechzehn-zeichen-für-uns'])
      expect(problemsOf({ API_AUTH_TOKEN: token })).toContain('API_AUTH_TOKEN: must be one line of visible ASCII');
    expect(problemsOf({ API_AUTH_TOKEN_FILE: file })).toContain(
      `API_AUTH_TOKEN_FILE: what ${file} holds must be one line of visible ASCII`,
    );
    expect(readSettings({ API_AUTH_TOKEN: 'sixteen characters' }).apiAuthToken).toBe('sixteen characters');
  });

  it('the metrics port of a run can be turned off', () => {
    expect(readSettings({ METRICS_ADDR: 'none' }).metricsAddress).toBeNull();
    expect(problemsOf({ METRICS_ADDR: 'off' })).toContain('in brackets ([::1]:7000), or none');
    expect(problemsOf({ CLUSTER_HEALTH_ADDR: 'none' })).toContain('CLUSTER_HEALTH_ADDR: must be host:port');
  });

  it('further names of this machine are names alone', () => {
    expect(readSettings({ API_HOST_NAMES: 'Load-1.internal, load-2' }).apiHostNames).toEqual([
      'load-1.internal',
      'load-2',
    ]);
    expect(readSettings({}).apiHostNames).toEqual([]);
    for (const bad of ['load-1:8080', '*', 'a,,b', 'http://a'])
      expect(problemsOf({ API_HOST_NAMES: bad })).toContain('API_HOST_NAMES: must be host names');
  });

  it('an empty variable counts as not given', () => {
    expect(readSettings({ CLUSTER_REGION: '', CLUSTER_TYPO: '' }).region).toBe('local');
  });
});
