import { boolean, oneOf, secret, setting, type Setting, text } from './fields.ts';

const whenUsed = 'Read when Consul is used.';
/** Consul's own environment may be there for Consul: it is looked at only where tutti uses Consul, and has no flags. */
const ofConsul = <Given extends Setting>(given: Given): Given => ({ ...given, flag: null });
const optionalText = text.nullable().default(null);

export const consulSettings = {
  consulAddress: setting(
    'CONSUL_ADDR',
    optionalText,
    'CONSUL_HTTP_ADDR, else 127.0.0.1:8500',
    'Consul’s HTTP API: host:port, http://host:port or https://host:port. For CLUSTER_CONFIG_SOURCE=consul-kv and DISCOVERY_MODE=consul.',
  ),
  consulConfigKey: setting(
    'CONSUL_CONFIG_KEY',
    text
      .regex(/^[^/\s](.*[^/\s])?$/, 'must be a key of Consul’s KV: no slash at either end, no blanks around it')
      .nullable()
      .default(null),
    'loadtest/config',
    'The key of Consul’s KV that holds the plan, when CLUSTER_CONFIG_SOURCE is consul-kv.',
  ),
  consulConfigWatch: {
    ...setting(
      'CONSUL_CONFIG_WATCH',
      boolean.default(false),
      'false',
      'Whether the leader waits for changes of the key and takes each as a new plan. Else `tutti reload` does.',
    ),
    isSwitch: true,
  },
  onConfigError: setting(
    'CLUSTER_ON_CONFIG_ERROR',
    oneOf(['retry', 'exit']).nullable().default(null),
    'retry',
    'When the leader finds no plan at its source, or a wrong one. retry: after a pause, or at `tutti reload`. exit: its process ends.',
  ),
  onReload: setting(
    'CLUSTER_ON_RELOAD',
    oneOf(['refuse', 'next']).nullable().default(null),
    'refuse',
    'A plan that changed at its source, in more than its load, while a run is on. refuse: it is not run. next: it is run when that run has ended.',
  ),
  consulHttpAddress: ofConsul(setting('CONSUL_HTTP_ADDR', optionalText, 'none', `As CONSUL_ADDR. ${whenUsed}`)),
  consulToken: secret('CONSUL_HTTP_TOKEN', optionalText, `Token for Consul’s ACLs. ${whenUsed}`),
  consulTokenFile: ofConsul(
    setting('CONSUL_HTTP_TOKEN_FILE', optionalText, 'none', `A file that holds the token; wins over it. ${whenUsed}`),
  ),
  consulSsl: ofConsul(
    setting('CONSUL_HTTP_SSL', optionalText, 'false', `true: https, where the address does not say. ${whenUsed}`),
  ),
  consulSslVerify: ofConsul(
    setting('CONSUL_HTTP_SSL_VERIFY', optionalText, 'true', `false: any certificate is taken. ${whenUsed}`),
  ),
  consulCaCert: ofConsul(
    setting('CONSUL_CACERT', optionalText, 'the system’s', `PEM authority of Consul’s certificate. ${whenUsed}`),
  ),
  consulClientCert: ofConsul(
    setting('CONSUL_CLIENT_CERT', optionalText, 'none', `PEM certificate to show to Consul, with its key. ${whenUsed}`),
  ),
  consulClientKey: ofConsul(setting('CONSUL_CLIENT_KEY', optionalText, 'none', `PEM key of it. ${whenUsed}`)),
  consulTlsServerName: ofConsul(
    setting('CONSUL_TLS_SERVER_NAME', optionalText, 'the host', `The name in Consul’s certificate. ${whenUsed}`),
  ),
} satisfies Record<string, Setting>;

/** Consul's own variables that would change what is asked, but do nothing here: where Consul is used they are refused. */
export const notOfOurs: Readonly<Record<string, string>> = {
  CONSUL_CAPATH: 'is not supported; use CONSUL_CACERT',
  CONSUL_HTTP_AUTH: 'is not supported; use CONSUL_HTTP_TOKEN',
  CONSUL_NAMESPACE: 'is not supported: it belongs to Consul Enterprise',
  CONSUL_PARTITION: 'is not supported: it belongs to Consul Enterprise',
};
