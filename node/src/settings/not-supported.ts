/**
 * Variables of the Rust tool's cluster section (rust-loadtest.md 2.6) that a later version may read: refused by name until then,
 * never ignored. These names only: CONSUL_HTTP_ADDR and the like are Consul's own, and may be there for it.
 */
export const notYetSupported: Readonly<Record<string, string>> = {
  CLUSTER_METRICS_TIMEOUT_SECS:
    'is not supported: a node is taken out of the stripes as soon as its connection is lost',
  CLUSTER_TLS: 'is not a setting; use CLUSTER_TLS_CERT_FILE, CLUSTER_TLS_KEY_FILE and CLUSTER_TLS_CA_FILE',
  METRICS_FLUSH_INTERVAL_SECS: 'is not supported: each node hands in its measurements every second',
};
