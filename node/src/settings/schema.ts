import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { notSendable, sendableToken } from './token.ts';

/**
 * Every setting of tutti, once: the environment variable, the flag, the type, the default and what it is for. Reading,
 * `--help`, the unknown-name check and docs/settings.md (held current by a test) all come from this table.
 */
export interface Setting {
  readonly env: string;
  /** Null: no flag. For secrets, because other users of the machine can read a process's arguments. */
  readonly flag: string | null;
  /** The flag alone means true, and takes no argument. */
  readonly isSwitch: boolean;
  readonly schema: z.ZodType;
  /** As a person would write it; shown in help and docs. */
  readonly shown: string;
  readonly help: string;
}

const text = z.string().min(1, 'must not be empty');
const boolean = z
  .string()
  .refine((value) => ['true', 'false', '1', '0'].includes(value.toLowerCase()), 'must be true or false')
  .transform((value) => ['true', '1'].includes(value.toLowerCase()));
const wholeNumber = (min: number, max: number): z.ZodType<number, string> =>
  z
    .string()
    .refine(
      (value) => /^\d+$/.test(value) && Number(value) >= min && Number(value) <= max,
      `must be a whole number from ${min} to ${max}`,
    )
    .transform(Number);
const oneOf = <const Values extends readonly string[]>(
  values: Values,
  notYet: Readonly<Record<string, string>> = {},
): z.ZodType<Values[number], string> =>
  z.string().transform((value, context) => {
    if (values.includes(value)) return value;
    const message = notYet[value] ?? `must be ${values.join(' or ')}, not '${value}'`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
const addressFrom = (minPort: 0 | 1): z.ZodType<{ host: string; port: number }, string> =>
  z.string().transform((value, context) => {
    const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:\s[\]]+)):(\d{1,5})$/.exec(value);
    const port = Number(match?.[3]);
    if (match !== null && port >= minPort && port <= 65_535) return { host: match[1] ?? match[2]!, port };
    const ports = minPort === 0 ? 'ports 0 to 65535 (0: any free)' : 'ports 1 to 65535';
    context.addIssue({ code: 'custom', message: `must be host:port, ${ports}, an IPv6 host in brackets ([::1]:7000)` });
    return z.NEVER;
  });
/** Others dial it by a list, so it must be known before. */
const dialledAddress = addressFrom(1);
const address = addressFrom(0);

/** For a service that nobody needs. */
const addressOrNone = z.string().transform((value, context) => {
  if (value === 'none') return null;
  const read = address.safeParse(value);
  if (read.success) return read.data;
  context.addIssue({ code: 'custom', message: `${read.error.issues[0]!.message}, or none` });
  return z.NEVER;
});

const hostNames = z.string().transform((value, context) => {
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  const bad = names.find((name) => !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name));
  if (bad === undefined) return names;
  const message = `must be host names with commas between them, without ports and patterns: '${bad}' is none`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const flagOf = (env: string): string =>
  env
    .replace(/^CLUSTER_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
const setting = <Schema extends z.ZodType>(
  env: string,
  schema: Schema,
  shown: string,
  help: string,
): Setting & { schema: Schema } => ({
  env,
  flag: flagOf(env),
  isSwitch: false,
  schema,
  shown,
  help,
});
const secret = <Schema extends z.ZodType>(env: string, schema: Schema, help: string): Setting & { schema: Schema } => ({
  ...setting(env, schema, 'none', help),
  flag: null,
});

export const settings = {
  // The command says it already: a flag could only repeat or contradict it.
  clusterEnabled: {
    ...setting(
      'CLUSTER_ENABLED',
      boolean.default(false),
      'false',
      'Whether this machine is a node: true is refused by `tutti run`, false by `tutti node`, which implies it.',
    ),
    flag: null,
  },
  bindAddress: setting(
    'CLUSTER_BIND_ADDR',
    dialledAddress.default({ host: '127.0.0.1', port: 7000 }),
    '127.0.0.1:7000',
    'Where the other nodes reach this one (Raft).',
  ),
  healthAddress: setting(
    'CLUSTER_HEALTH_ADDR',
    address.default({ host: '127.0.0.1', port: 8080 }),
    '127.0.0.1:8080',
    'Where the HTTP API listens: health, plans, results, metrics.',
  ),
  nodeId: setting(
    'CLUSTER_NODE_ID',
    text.nullable().default(null),
    "the data directory's, else its id in CLUSTER_NODES, else the host name",
    'This node’s name; unique in the cluster, kept in the data directory.',
  ),
  region: setting('CLUSTER_REGION', text.default('local'), 'local', 'Results are shown by region.'),
  selfAddress: setting(
    'CLUSTER_SELF_ADDR',
    text.nullable().default(null),
    'found in CLUSTER_NODES',
    'This node’s own entry of CLUSTER_NODES, exactly as written there, when it cannot be found by id or address.',
  ),
  nodes: setting(
    'CLUSTER_NODES',
    text.nullable().default(null),
    'none (required)',
    'All members, this one included: [id=]host[:port],... (port 7000 unless given).',
  ),
  discoveryMode: setting(
    'DISCOVERY_MODE',
    oneOf(['static'], { consul: 'consul is not supported yet; use static and CLUSTER_NODES' }).default('static'),
    'static',
    'Where the list of members comes from. static: CLUSTER_NODES.',
  ),
  configSource: setting(
    'CLUSTER_CONFIG_SOURCE',
    oneOf(['api', 'file'], {
      gcs: 'gcs is not supported yet; use api or file',
      'consul-kv': 'consul-kv is not supported yet; use api or file',
    })
      .nullable()
      .default(null),
    'none (required)',
    'Where the plan comes from. api: POST /config or `tutti submit`. file: CLUSTER_CONFIG_FILE, and POST /config after it.',
  ),
  configFile: setting(
    'CLUSTER_CONFIG_FILE',
    text.nullable().default(null),
    'none',
    'The plan, when CLUSTER_CONFIG_SOURCE is file: taken when the node starts. The same content is run only once.',
  ),
  configTimeoutSecs: setting(
    'CLUSTER_CONFIG_TIMEOUT_SECS',
    wholeNumber(1, 3600).default(30),
    '30',
    'How long nodes may take to prepare a run, three attempts together.',
  ),
  removeDeadAfterSecs: setting(
    'CLUSTER_REMOVE_DEAD_AFTER_SECS',
    wholeNumber(10, 31_536_000).nullable().default(null),
    'off',
    'The leader removes a voter it has not heard for so long, as long as the voters that remain are a living majority. Off unless set.',
  ),
  dataDirectory: setting(
    'CLUSTER_DATA_DIR',
    text.default('tutti-data'),
    'tutti-data',
    'Where this node keeps its vote, its log and its identity. One directory per node; losing it is losing the member.',
  ),
  transport: setting(
    'CLUSTER_TRANSPORT',
    oneOf(['grpc', 'tcp']).default('grpc'),
    'grpc',
    'What the nodes speak to each other, the same on all. tcp: the same messages on plain connections, with less CPU.',
  ),
  timings: setting(
    'CLUSTER_TIMINGS',
    oneOf(['lan', 'wan', 'auto', 'custom']).default('lan'),
    'lan',
    'Heartbeats and election timeouts, the same on all nodes. lan: 50 ms, 150-300 ms. wan: 250 ms, 2.5-5 s. auto: by the measured round trips, never below lan. custom: the next two.',
  ),
  heartbeatMs: setting(
    'CLUSTER_HEARTBEAT_MS',
    wholeNumber(10, 10_000).nullable().default(null),
    'none',
    'Between two heartbeats of the leader, in milliseconds. For CLUSTER_TIMINGS=custom, which requires it.',
  ),
  electionTimeoutMs: setting(
    'CLUSTER_ELECTION_TIMEOUT_MS',
    wholeNumber(30, 60_000).nullable().default(null),
    'none',
    'The shortest election timeout, in milliseconds; the longest is twice that. At least three heartbeats. For CLUSTER_TIMINGS=custom, which requires it.',
  ),
  electionPriority: setting(
    'CLUSTER_ELECTION_PRIORITY',
    wholeNumber(0, 100).default(0),
    '0',
    'Of the nodes that could lead, one of the highest is preferred: others let it try first, and hand over to it once it has been steady for ten election timeouts.',
  ),
  snapshotIntervalSecs: setting(
    'CLUSTER_SNAPSHOT_INTERVAL_SECS',
    wholeNumber(1, 86_400).default(300),
    '300',
    'How often to look whether a snapshot is due, which lets the log before it go.',
  ),
  snapshotThreshold: setting(
    'CLUSTER_SNAPSHOT_THRESHOLD',
    wholeNumber(1, 1_000_000_000).default(1_000),
    '1000',
    'A snapshot is due when so many log entries were applied since the last one.',
  ),
  snapshotLogMib: setting(
    'CLUSTER_SNAPSHOT_LOG_MIB',
    wholeNumber(1, 4_096).default(64),
    '64',
    'A snapshot is taken at once when so many MiB of log were applied since the last one.',
  ),
  tlsCertFile: setting(
    'CLUSTER_TLS_CERT_FILE',
    text.nullable().default(null),
    'none',
    'PEM certificate of this node for mutual TLS between nodes (with _KEY_FILE and _CA_FILE).',
  ),
  tlsKeyFile: setting('CLUSTER_TLS_KEY_FILE', text.nullable().default(null), 'none', 'PEM private key of this node.'),
  tlsCaFile: setting(
    'CLUSTER_TLS_CA_FILE',
    text.nullable().default(null),
    'none',
    'PEM certificate authority that signed every node’s certificate.',
  ),
  secret: secret(
    'CLUSTER_SECRET',
    z.string().min(16, 'must have at least 16 characters').nullable().default(null),
    'Shared secret of the nodes, proved in the handshake. Required off loopback unless mutual TLS is set.',
  ),
  secretFile: setting(
    'CLUSTER_SECRET_FILE',
    text.nullable().default(null),
    'none',
    'A file that holds CLUSTER_SECRET.',
  ),
  insecure: {
    ...setting(
      'CLUSTER_INSECURE',
      boolean.default(false),
      'false',
      'Allow addresses off loopback without authentication. Anyone who reaches them can make this cluster send load.',
    ),
    isSwitch: true,
  },
  apiAuthToken: secret(
    'API_AUTH_TOKEN',
    z.string().min(16, 'must have at least 16 characters').regex(sendableToken, notSendable).nullable().default(null),
    'Bearer token for all that changes state (POST). Required where CLUSTER_HEALTH_ADDR is not loopback.',
  ),
  apiAuthTokenFile: setting(
    'API_AUTH_TOKEN_FILE',
    text.nullable().default(null),
    'none',
    'A file that holds API_AUTH_TOKEN.',
  ),
  apiHostNames: setting(
    'API_HOST_NAMES',
    hostNames.default([]),
    'none',
    'Further names by which this machine is called over HTTP, by Prometheus for instance: name,... Others are refused.',
  ),
  generators: setting(
    'GENERATORS',
    wholeNumber(1, 256).default(availableParallelism()),
    'one per core',
    'Generator processes on this machine.',
  ),
  metricsAddress: setting(
    'METRICS_ADDR',
    addressOrNone.default({ host: '127.0.0.1', port: 9090 }),
    '127.0.0.1:9090',
    'Where `tutti run` serves GET /metrics while it runs; none: nowhere (a cluster node serves it on CLUSTER_HEALTH_ADDR).',
  ),
  logFormat: setting(
    'LOG_FORMAT',
    oneOf(['text', 'json']).nullable().default(null),
    'text on a terminal, else json',
    'json: one object per line.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    oneOf(['debug', 'info', 'warn', 'error']).default('info'),
    'info',
    'The least severe level that is logged.',
  ),
} satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export type Settings = { readonly [Name in SettingName]: z.output<(typeof settings)[Name]['schema']> };
