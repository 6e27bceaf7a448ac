import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../../node/src/api/server.ts';
import { TuttiError } from '../../node/src/lib/errors.ts';
import { silentLog } from '../../node/src/lib/log.ts';
import type { RunReport } from '../../node/src/results/report.ts';
import { fakeBackend } from '../unit/api/fake-backend.ts';
import { run, tutti } from './support/tutti.ts';

const directory = mkdtempSync(join(tmpdir(), 'tutti-bad-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function planFile(text: string): string {
  const file = join(directory, 'plan.yaml');
  writeFileSync(file, text);
  return file;
}

const goodPlan = `version: "1.0"
config: { baseUrl: "http://127.0.0.1:9", duration: 1s }
load: { model: rps, target: 5 }
scenarios: [{ name: s, steps: [{ name: get, request: { method: GET, path: / } }] }]
`;

describe('a bad plan', () => {
  it('is refused before any load with file, line, column and field, all problems at once, exit code 104', async () => {
    const file = planFile(`version: "1.0"
config:
  baseUrl: http://127.0.0.1:9
  duraton: 20s
load:
  model: rps
  target: many
scenarios:
  - name: s
    steps:
      - request: { method: GETT, path: / }
`);
    for (const command of ['validate', 'run', 'submit']) {
      const ended = await tutti([command, file]);
      expect(ended.code).toBe(104);
      expect(ended.stdout).toBe('');
      expect(ended.stderr).toMatch(/plan\.yaml:4:3 config\.duraton: .*did you mean .?duration/);
      expect(ended.stderr).toMatch(/plan\.yaml:2:\d+ config\.duration: /);
      expect(ended.stderr).toMatch(/plan\.yaml:7:11 load\.target: /);
      expect(ended.stderr).toMatch(/plan\.yaml:11:\d+ scenarios\[0\]\.steps\[0\]\.request\.method: /);
    }
  });

  it('that only the nodes refuse, for they may be of another version, is named by its file too', async () => {
    const server = await startApi({
      backend: fakeBackend({
        runs: {
          submit: ({ fileName }) =>
            Promise.reject(new TuttiError('PLAN_INVALID', `${fileName ?? 'plan'}:3:7 load.model: not supported yet`)),
        },
      }),
      host: '127.0.0.1',
      port: 0,
      token: () => null,
      ownNames: new Set(),
      log: silentLog,
    });
    const file = planFile(goodPlan);
    try {
      const ended = await tutti(['submit', file, '--node', `http://127.0.0.1:${server.address.port}`]);
      expect(ended.stderr).toBe(`${file}:3:7 load.model: not supported yet\n`);
      expect(ended.code).toBe(104);
    } finally {
      await server.close();
    }
  });

  it('a key that is not built yet is refused by name', async () => {
    const ended = await tutti([
      'validate',
      planFile(goodPlan.replace('{ model: rps, target: 5 }', '{ model: ramp, min: 1, max: 5, rampDuration: 1m }')),
    ]);
    expect(ended.code).toBe(104);
    expect(ended.stderr).toMatch(/ramp.*not supported yet/);
  });

  it('YAML that does not parse, and a file that is not there', async () => {
    const broken = await tutti(['validate', planFile('version: "1.0\nconfig: [')]);
    expect(broken.code).toBe(104);
    expect(broken.stderr).toMatch(/plan\.yaml:\d+:\d+/);
    const missing = await tutti(['validate', join(directory, 'none.yaml')]);
    expect(missing.code).toBe(104);
    expect(missing.stderr).toContain('there is no such file');
  });

  it('a command line that cannot be understood is bad input too, and names the nearest command', async () => {
    const ended = await tutti(['valdate', 'x']);
    expect(ended.code).toBe(104);
    expect(ended.stderr).toContain('Did you mean validate?');
  });

  it.each([
    [['validate'], "missing required argument 'plan'"],
    [['run', 'plan.yaml', '--jsn'], 'Did you mean --json?'],
    [['node', '--nodse', 'a'], 'Did you mean --nodes?'],
    [['status', '--node', 'ftp://x'], "'ftp://x' is not a URL like http://"],
    [['status', '--node', 'x:99999'], "'http://x:99999' is not a URL like http://127.0.0.1:8080 (ports 1 to 65535)"],
    [['status', '--node', 'http://x:0'], "'http://x:0' is not a URL like http://127.0.0.1:8080 (ports 1 to 65535)"],
    [['status', '--node', 'http://me:secret@x'], 'is not a URL like http://127.0.0.1:8080'],
    [['submit', 'examples/minimal.yaml', '--out', 'result.json'], '--out needs --wait'],
  ])('%j ends with 104 and says what is wrong', async (args, message) => {
    const ended = await tutti(args);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(104);
  });

  it('a result that cannot be written is said before any load', async () => {
    const out = join(directory, 'none', 'result.json');
    for (const command of [['run'], ['submit', '--wait']]) {
      const ended = await tutti([...command, planFile(goodPlan), '--out', out]);
      expect(ended.stderr).toBe(`--out: cannot write ${out}: there is no such directory\n`);
      expect(ended.stdout).toBe('');
      expect(ended.code).toBe(104);
    }
  });

  it('a submission that is refused leaves no file for its result behind, nor takes away what was there', async () => {
    const [out, kept] = [join(directory, 'new.json'), join(directory, 'kept.json')];
    writeFileSync(kept, '{}');
    for (const file of [out, kept])
      await tutti([
        'submit',
        planFile(goodPlan),
        '--wait',
        '--out',
        file,
        '--node',
        'http://127.0.0.1:9',
        '--patience',
        '0',
      ]);
    expect(existsSync(out)).toBe(false);
    expect(readFileSync(kept, 'utf8')).toBe('{}');
  });
});

describe('bad settings of a node', () => {
  let taken: Server;
  let takenPort: number;
  beforeAll(async () => {
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    takenPort = (taken.address() as { port: number }).port;
  });
  afterAll(() => taken.close());

  const node = (flags: Record<string, string>, environment: Record<string, string> = {}): ReturnType<typeof tutti> => {
    const fixed = {
      'node-id': 'a',
      nodes: 'a=127.0.0.1:17551',
      'bind-addr': '127.0.0.1:17551',
      'health-addr': '127.0.0.1:17552',
      'config-source': 'api',
      'data-dir': join(directory, 'data'),
      'log-format': 'json',
    };
    const given = Object.entries({ ...fixed, ...flags }).filter(([, value]) => value !== '');
    return tutti(['node', ...given.flatMap(([flag, value]) => [`--${flag}`, value])], environment);
  };

  it('an unknown CLUSTER_ variable stops the node and names the nearest known one', async () => {
    const ended = await node({}, { CLUSTER_HEALTH_ADR: '127.0.0.1:1' });
    expect(ended.code).toBe(104);
    expect(ended.stderr).toContain('CLUSTER_HEALTH_ADR: unknown variable; did you mean CLUSTER_HEALTH_ADDR?');
  });

  it.each([
    [['--insecure', 'false'], 'too many arguments'],
    [['--insecure', '--nodse', 'x'], 'Did you mean --nodes?'],
    [['--insecure=maybe'], '--insecure: must be true or false'],
    // Off loopback without a secret: only who says so aloud gets past this.
    [['--no-insecure', '--bind-addr', '0.0.0.0:17551'], 'CLUSTER_SECRET'],
    [['--insecure=false', '--bind-addr', '0.0.0.0:17551'], 'CLUSTER_SECRET'],
    [['--insecure', '--bind-addr', '0.0.0.0:17551', '--nodes', 'b=127.0.0.1:17561'], 'names no node "a"'],
  ])('%j: a switch takes no argument but after =', async (args, message) => {
    const ended = await tutti([
      'node',
      '--node-id',
      'a',
      '--nodes',
      'a=127.0.0.1:17551',
      '--config-source',
      'api',
      ...args,
    ]);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(104);
  });

  it.each(['bind-addr', 'health-addr'])('%s in use: says which, and ends', async (flag) => {
    const address = `127.0.0.1:${takenPort}`;
    const ended = await node({ [flag]: address, ...(flag === 'bind-addr' ? { nodes: `a=${address}` } : {}) });
    expect(ended.code).toBe(104);
    expect(ended.stderr).toContain(address);
    expect(ended.stderr).toContain(`CLUSTER_${flag.toUpperCase().replace('-', '_')}`);
    expect(ended.stderr).toMatch(/in use by another process; stop it or choose another port/);
  });

  it('a list without ourselves: says what was looked for', async () => {
    const ended = await node({ nodes: 'b=127.0.0.1:17561,c=127.0.0.1:17562' });
    expect(ended.code).toBe(104);
    expect(ended.stderr).toMatch(
      /CLUSTER_NODES .*names no node "a": set CLUSTER_NODE_ID to the id of this node's own entry/,
    );
  });

  it.each([
    [{ nodes: 'b=127.0.0.1:17561' }, 'names no node "a"'],
    [{ 'self-addr': 'x:y:z' }, 'CLUSTER_SELF_ADDR: '],
    [{ nodes: '', 'discovery-mode': 'consul', 'expect-nodes': '1', 'self-addr': 'x:y:z' }, 'CLUSTER_SELF_ADDR: '],
    [{ 'tls-cert-file': 'none', 'tls-key-file': 'none', 'tls-ca-file': 'none' }, 'CLUSTER_TLS_CERT_FILE: cannot read'],
  ])('refused for %j it leaves no data directory behind', async (flags, message) => {
    const unmade = join(directory, 'unmade');
    const ended = await node({ ...flags, 'data-dir': unmade });
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(104);
    expect(existsSync(unmade)).toBe(false);
  });

  it('a data directory that cannot be used', async () => {
    const file = join(directory, 'a-file');
    writeFileSync(file, '');
    const ended = await node({ 'data-dir': join(file, 'data') });
    expect(ended.code).toBe(104);
    expect(ended.stderr).toContain('a-file');
    const locked = join(directory, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    if (process.getuid?.() !== 0) expect((await node({ 'data-dir': join(locked, 'data') })).stderr).toContain('locked');
  });

  it('an address off loopback without a secret and a token is refused, both named at once', async () => {
    const ended = await node({ 'bind-addr': '0.0.0.0:17551', 'health-addr': '0.0.0.0:17552' });
    expect(ended.code).toBe(104);
    expect(ended.stderr).toContain('CLUSTER_SECRET');
    expect(ended.stderr).toContain('API_AUTH_TOKEN');
  });
});

describe('a target that refuses connections', () => {
  it('is counted by category; the run goes on, the report shows it, and the tool has not failed', async () => {
    const ended = await tutti([
      'run',
      planFile(goodPlan),
      '--json',
      '--metrics-addr',
      '127.0.0.1:0',
      '--generators',
      '1',
    ]);
    expect(ended.stderr).toBe('');
    const { books, totals, verdict } = JSON.parse(ended.stdout) as RunReport;
    // A machine that stands still is told of by the books and the code; that requests failed is no failure of the tool.
    const codes: Readonly<Record<string, number>> = { valid: 0, 'generator-limited': 120, degraded: 121 };
    expect(ended.code, verdict.reasons.join('; ')).toBe(codes[verdict.kind]);
    expect(books.planned).toBe(5);
    const { fired } = books;
    expect(fired).toBeGreaterThan(2);
    expect(totals).toMatchObject({ requests: fired, failedRequests: fired, errors: { connect_error: fired } });
  });
});

describe('a machine that is too small for the plan', () => {
  it('does not blame the target: the requests are counted as its own, the verdict and the exit code say so', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const crowded = planFile(`version: "1.0"
config: { baseUrl: "http://127.0.0.1:${port}", duration: 1s, timeout: 1s, workers: 200 }
load: { model: rps, target: 200 }
scenarios: [{ name: s, steps: [{ name: get, request: { method: GET, path: / } }] }]
`);
    const command = [
      '-c',
      `ulimit -n 80; exec node/bin/tutti run ${crowded} --json --metrics-addr 127.0.0.1:0 --generators 1`,
    ];
    const ended = await run('sh', command);
    for (const socket of sockets) socket.destroy();
    silent.close();
    const report = JSON.parse(ended.stdout) as {
      totals: { errors: Record<string, number> };
      verdict: { kind: string; reasons: string[] };
    };
    expect(report.totals.errors.local_error).toBeGreaterThan(0);
    expect(report.totals.errors.connect_error).toBeUndefined();
    expect(report.verdict.kind).toBe('generator-limited');
    expect(report.verdict.reasons.join(' ')).toContain('ulimit -n');
    expect(ended.code).toBe(120);
  });
});
