/** A rule of a VPC's firewall for what comes in (cloud.google.com/firewall/docs/firewalls). */
export interface FirewallRule {
  readonly priority: number;
  readonly isAllow: boolean;
  /** "all", or "tcp" and the like with ports; no ports: all. */
  readonly protocols: readonly { readonly protocol: string; readonly ports: readonly string[] }[];
  readonly sourceRanges: readonly string[];
  readonly sourceAccounts: readonly string[];
  /** Empty: every machine of the network. */
  readonly targetAccounts: readonly string[];
}

export interface Interface {
  readonly address: string;
  readonly external: string | null;
  readonly account: string;
}

type Device = Interface & { readonly device: string };

/**
 * The table `filter` for iptables-restore: what is forwarded to a machine goes through a chain of its own, with the rules that mean it in the
 * order of their priority, denying ones first, and is dropped if none allows it, as Google implies. Answers come back, and what goes out
 * to the internet is free.
 */
export function filterTable(devices: readonly Device[], rules: readonly FirewallRule[]): string {
  const inOrder = [...rules].sort((a, b) => a.priority - b.priority || Number(a.isAllow) - Number(b.isAllow));
  const chains = devices.map(({ device }) => `:to-${device} - [0:0]`);
  const lines = devices.flatMap((machine) => [
    `-A FORWARD -o ${machine.device} -j to-${machine.device}`,
    `-A FORWARD -i ${machine.device} -o internet -j ACCEPT`,
    ...inOrder
      .filter(({ targetAccounts }) => targetAccounts.length === 0 || targetAccounts.includes(machine.account))
      .flatMap((rule) => linesOf(rule, machine.device, devices)),
    `-A to-${machine.device} -j DROP`,
  ]);
  return [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ...chains,
    '-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    ...lines,
    'COMMIT\n',
  ].join('\n');
}

/** Machines with an external address have it as theirs on the internet, one for one. */
export function natTable(devices: readonly Device[]): string {
  const lines = devices.flatMap(({ address, external }) =>
    external === null ? [] : [`-A POSTROUTING -s ${address}/32 -o internet -j SNAT --to-source ${external}`],
  );
  return [
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    ...lines,
    'COMMIT\n',
  ].join('\n');
}

function linesOf(rule: FirewallRule, device: string, devices: readonly Device[]): readonly string[] {
  const byAccount = devices
    .filter(({ account }) => rule.sourceAccounts.includes(account))
    .map(({ address }) => `${address}/32`);
  const verdict = rule.isAllow ? 'ACCEPT' : 'DROP';
  return [...rule.sourceRanges, ...byAccount].flatMap((source) =>
    rule.protocols.flatMap(({ protocol, ports }) => {
      const from = `-A to-${device} -s ${source}`;
      if (protocol === 'all') return [`${from} -j ${verdict}`];
      if (ports.length === 0) return [`${from} -p ${protocol} -j ${verdict}`];
      return ports.map((port) => `${from} -p ${protocol} --dport ${port.replace('-', ':')} -j ${verdict}`);
    }),
  );
}
