import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { consulSettings } from './consul.ts';
import { discoverySettings } from './discovery.ts';
import {
  address,
  addressOrNone,
  boolean,
  dialledAddress,
  oneOf,
  secret,
  setting,
  type Setting,
  text,
  wholeNumber,
} from './fields.ts';
import { credentialsSettings } from './credentials.ts';
import { gcsSettings } from './gcs.ts';
import { notSendable, sendableToken } from './token.ts';

export type { Setting } from './fields.ts';

const hostNames = z.string().transform((value, context) => {
  const names = value.split(',').map((name) => name.trim().toLowerCase());
  const bad = names.find((name) => !/^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name));
  if (bad === undefined) return names;
  const message = `must be host names with commas between them, without ports and patterns: '${bad}' is none`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/**
 * Every setting of tutti, once: the environment variable, the flag, the type, the default and what it is for. Reading,
 * `--help`, the unknown-name check and docs/settings.md (held current by a test) all come from this table.
 */
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
    'Where the HTTP API listens: health, plans, results, metrics. With DISCOVERY_MODE=consul Consul must reach it.',
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
    'found in CLUSTER_NODES; with DISCOVERY_MODE=consul, by the way to Consul; with gce, CLUSTER_BIND_ADDR',
    'This node’s own entry of CLUSTER_NODES, exactly as written there, when it cannot be found by id or address. With DISCOVERY_MODE=consul or gce: where the others reach it.',
  ),
  nodes: setting(
    'CLUSTER_NODES',
    text.nullable().default(null),
    'none (required when DISCOVERY_MODE is static)',
    'All members, this one included: [id=]host[:port][/learner],... (port 7000 unless given); `/learner`: one that has no vote.',
  ),
  discoveryMode: setting(
    'DISCOVERY_MODE',
    oneOf(['static', 'consul', 'gce']).default('static'),
    'static',
    'Where the members come from. static: CLUSTER_NODES. consul: they find each other by Consul, with CLUSTER_EXPECT_NODES. gce: the attribute cluster-nodes of the machine, which may change, with CLUSTER_FOUNDERS.',
  ),
  ...discoverySettings,
  configSource: setting(
    'CLUSTER_CONFIG_SOURCE',
    oneOf(['api', 'file', 'consul-kv', 'gcs']).nullable().default(null),
    'none (required)',
    'Where the plan comes from. api: POST /config or `tutti submit` alone. Those work with the others as well: file: CLUSTER_CONFIG_FILE. consul-kv: CONSUL_CONFIG_KEY. gcs: GCS_CONFIG_BUCKET.',
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
    'How long nodes may take to prepare a run: its first delivery and up to three more, together.',
  ),
  ...consulSettings,
  ...gcsSettings,
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
    'PEM certificate of this node for mutual TLS between nodes (with _KEY_FILE and _CA_FILE), with its id and its address in subjectAltName. All three are followed while the node runs.',
  ),
  tlsKeyFile: setting('CLUSTER_TLS_KEY_FILE', text.nullable().default(null), 'none', 'PEM private key of this node.'),
  tlsCaFile: setting(
    'CLUSTER_TLS_CA_FILE',
    text.nullable().default(null),
    'none',
    'PEM certificates of the authorities that may have signed a node’s certificate: one, or two while one takes over.',
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
    'A file that holds API_AUTH_TOKEN, followed while the node runs.',
  ),
  apiHostNames: setting(
    'API_HOST_NAMES',
    hostNames.default([]),
    'none',
    'Further names by which this machine is called over HTTP, by Prometheus for instance: name,... Others are refused.',
  ),
  ...credentialsSettings,
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
