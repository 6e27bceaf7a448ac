import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { Processes } from '../../../scripts/lib/processes.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { freePorts } from '../ports.ts';

/** A busy machine takes seconds until a server of one has elected itself. */
const startTimeoutMs = 60_000;
const name = 'consul';

export interface ConsulOptions {
  /** Whoever has no token may do nothing. `managementToken` may do everything. */
  readonly acl?: boolean;
  /** In PEM: the API speaks HTTPS alone, and wants a certificate that the authority signed. */
  readonly tls?: {
    readonly cert: string | Buffer;
    readonly key: string | Buffer;
    readonly ca: string | Buffer;
    /** In the certificate, where it is not the address. */
    readonly serverName?: string;
  };
}

/** A real Consul server of one on loopback, whose data outlive a restart. Stop it, or it stays. */
export class ConsulAgent {
  readonly managementToken: string = randomUUID();
  readonly #directory = mkdtempSync(join(tmpdir(), 'tutti-consul-'));
  /** Of `tls`, where it is given. */
  readonly files = {
    ca: join(this.#directory, 'ca.pem'),
    cert: join(this.#directory, 'cert.pem'),
    key: join(this.#directory, 'key.pem'),
  };
  readonly #processes = new Processes(this.#directory);
  readonly #program: string;
  readonly #options: ConsulOptions;
  readonly #ports: { readonly http: number; readonly dns: number; readonly server: number; readonly lan: number };

  private constructor(program: string, options: ConsulOptions, ports: readonly number[]) {
    this.#program = program;
    this.#options = options;
    this.#ports = { http: ports[0]!, dns: ports[1]!, server: ports[2]!, lan: ports[3]! };
    const { tls } = options;
    if (tls === undefined) return;
    writeFileSync(this.files.ca, tls.ca);
    writeFileSync(this.files.cert, tls.cert);
    writeFileSync(this.files.key, tls.key);
  }

  /** `program` is what `findConsul` found. Resolves once the agent has a leader. */
  static async start(program: string, options: ConsulOptions = {}): Promise<ConsulAgent> {
    const agent = new ConsulAgent(program, options, await freePorts(4));
    try {
      agent.#spawn();
      await agent.#ready();
    } catch (error) {
      await agent.stop();
      throw error;
    }
    return agent;
  }

  /** Of the HTTP API, as CONSUL_ADDR wants it. */
  get address(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#ports.http}`;
  }

  /** The same, as our own client wants it. */
  get url(): URL {
    return new URL(this.address);
  }

  /** host:port of the DNS server, over UDP and TCP. */
  get dnsAddress(): string {
    return `127.0.0.1:${this.#ports.dns}`;
  }

  /** SIGKILL or SIGTERM, and nobody listens any more. */
  kill(signal: NodeJS.Signals): Promise<void> {
    return this.#processes.kill(name, signal);
  }

  /** On the same ports and data, after `kill`. */
  async startAgain(): Promise<void> {
    this.#spawn();
    await this.#ready();
  }

  /** Between `kill` and `startAgain`: its data are lost. */
  forget(): void {
    rmSync(join(this.#directory, 'data'), { recursive: true, force: true });
  }

  /** A GET of its HTTP API, by the management token. */
  async get(path: string): Promise<string> {
    const { tls } = this.#options;
    const options = {
      headers: { 'x-consul-token': this.managementToken },
      ...tls,
      ...(tls?.serverName !== undefined && { servername: tls.serverName }),
    };
    const request = (tls === undefined ? http : https).get(`${this.address}${path}`, options);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return text(response);
  }

  /** What makes a node, or Consul's own programs, take it for this Consul and be let in; without the token. */
  get environment(): Record<string, string> {
    const { tls } = this.#options;
    const address = new URL(this.address).host;
    if (tls === undefined) return { CONSUL_HTTP_ADDR: address };
    const { ca, cert, key } = this.files;
    return {
      ...{ CONSUL_HTTP_ADDR: address, CONSUL_HTTP_SSL: 'true' },
      ...{ CONSUL_CACERT: ca, CONSUL_CLIENT_CERT: cert, CONSUL_CLIENT_KEY: key },
      ...(tls.serverName !== undefined && { CONSUL_TLS_SERVER_NAME: tls.serverName }),
    };
  }

  /** The command line of Consul, at this agent, by the management token unless another one is given. Rejects if it fails. */
  async cli(args: readonly string[], token = this.managementToken): Promise<string> {
    const env = { ...this.environment, ...(this.#options.acl === true && { CONSUL_HTTP_TOKEN: token }) };
    const { stdout } = await promisify(execFile)(this.#program, args, { env });
    return stdout;
  }

  /** A token for nobody but who has these rights, in Consul's rule language. */
  async createToken(rules: string): Promise<string> {
    const policy = `policy-${randomUUID()}`;
    await this.cli(['acl', 'policy', 'create', '-name', policy, '-rules', rules]);
    const created = await this.cli(['acl', 'token', 'create', '-policy-name', policy, '-format', 'json']);
    return (JSON.parse(created) as { readonly SecretID: string }).SecretID;
  }

  /** Ends it, and its data with it. */
  async stop(): Promise<void> {
    await this.#processes.stopAll();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #spawn(): void {
    const file = join(this.#directory, 'agent.json');
    writeFileSync(file, JSON.stringify(this.#configuration()));
    this.#processes.start(name, [this.#program, 'agent', '-config-file', file]);
  }

  #configuration(): object {
    const { http, dns, server, lan } = this.#ports;
    const { acl, tls } = this.#options;
    const off = -1;
    return {
      node_name: 'consul-of-the-test',
      server: true,
      bootstrap_expect: 1,
      data_dir: join(this.#directory, 'data'),
      bind_addr: '127.0.0.1',
      client_addr: '127.0.0.1',
      ports: {
        http: tls === undefined ? http : off,
        https: tls === undefined ? off : http,
        dns,
        server,
        serf_lan: lan,
        serf_wan: off,
        grpc: off,
        grpc_tls: off,
      },
      // As fast as `-dev` in electing itself.
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      connect: { enabled: false },
      log_level: 'warn',
      ...(tls !== undefined && {
        tls: {
          defaults: { ca_file: this.files.ca, cert_file: this.files.cert, key_file: this.files.key },
          https: { verify_incoming: true },
        },
      }),
      ...(acl === true && {
        acl: {
          enabled: true,
          default_policy: 'deny',
          tokens: { initial_management: this.managementToken, agent: this.managementToken, dns: this.managementToken },
        },
      }),
    };
  }

  /** It answers early, but keeps nothing and knows no service before it leads and has registered itself. */
  async #ready(): Promise<void> {
    await waitFor(
      'Consul',
      startTimeoutMs,
      async () => (await this.cli(['catalog', 'nodes'])).includes('consul-of-the-test'),
      this.#processes.firstDead,
    );
  }
}
