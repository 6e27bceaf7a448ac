import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsulAddress } from '../../../node/src/consul/http.ts';
import { consulAddress } from '../../../node/src/node/consul-address.ts';
import { readSettings } from '../../../node/src/settings/read.ts';

const of = (environment: Record<string, string>): ConsulAddress => consulAddress(readSettings(environment));
const urlOf = (environment: Record<string, string>): string => of(environment).url.href;

describe('where Consul is', () => {
  let folder: string;
  const file = (name: string): string => join(folder, name);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tutti-consul-address-'));
    writeFileSync(file('token'), 'from-a-file\n');
    writeFileSync(file('pem'), '-----BEGIN CERTIFICATE-----\n');
    writeFileSync(file('text'), 'no pem');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    [{}, 'http://127.0.0.1:8500/'],
    [{ CONSUL_HTTP_ADDR: '10.0.0.1:85' }, 'http://10.0.0.1:85/'],
    [{ CONSUL_HTTP_ADDR: '10.0.0.1:85', CONSUL_ADDR: 'consul:8500' }, 'http://consul:8500/'],
    [{ CONSUL_ADDR: 'consul' }, 'http://consul:8500/'],
    [{ CONSUL_ADDR: 'consul:8501', CONSUL_HTTP_SSL: 'true' }, 'https://consul:8501/'],
    [{ CONSUL_ADDR: 'https://consul.example/proxy' }, 'https://consul.example/proxy'],
    [{ CONSUL_ADDR: '[::1]:8500' }, 'http://[::1]:8500/'],
  ])('by %j is %s', (environment, url) => {
    expect(urlOf(environment)).toBe(url);
  });

  it.each([
    [{ CONSUL_HTTP_ADDR: 'unix:///run/consul.sock' }, /CONSUL_HTTP_ADDR: a Unix socket is not supported/],
    [{ CONSUL_ADDR: 'http://user:pass@consul' }, /CONSUL_ADDR: must be/],
    [{ CONSUL_ADDR: 'consul:port' }, /CONSUL_ADDR: must be/],
    [{ CONSUL_ADDR: 'http://consul', CONSUL_HTTP_SSL: '1' }, /says http, and CONSUL_HTTP_SSL is true/],
    [{ CONSUL_HTTP_SSL: 'maybe' }, /CONSUL_HTTP_SSL: must be true or false/],
    [{ CONSUL_CACERT: '/no/such/file' }, /CONSUL_CACERT: cannot read \/no\/such\/file \(ENOENT\)/],
    [{ CONSUL_HTTP_TOKEN: 'two\nlines' }, /CONSUL_HTTP_TOKEN: must be one line/],
  ])('by %j is refused', (environment, reason) => {
    expect(() => of(environment)).toThrow(reason);
  });

  it('the token and the certificates are those of Consul’s own environment', () => {
    const environment = {
      CONSUL_HTTP_TOKEN: 'given',
      CONSUL_HTTP_TOKEN_FILE: file('token'),
      CONSUL_CACERT: file('pem'),
    };
    expect(of({ CONSUL_HTTP_TOKEN: 'given' }).token).toBe('given');
    const read = of({ ...environment, CONSUL_TLS_SERVER_NAME: 'server.dc1.consul', CONSUL_HTTP_SSL_VERIFY: 'false' });
    expect(read).toMatchObject({ token: 'from-a-file', serverName: 'server.dc1.consul', verify: false });
    expect(read.ca).toContain('BEGIN CERTIFICATE');
  });

  it('every problem is told at once', () => {
    const environment = { CONSUL_CLIENT_CERT: file('pem'), CONSUL_CACERT: file('text'), CONSUL_ADDR: 'unix:///x' };
    expect(() => of(environment)).toThrow(/unix[^]*CONSUL_CACERT: .* holds no PEM[^]*CONSUL_CLIENT_KEY: both or none/i);
  });
});
