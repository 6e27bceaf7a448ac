import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createServer as createPlain, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpClient, type HttpSettings } from '../../../node/src/generator/http/client.ts';
import { Exchange } from '../../../node/src/generator/http/exchange.ts';
import { monotonicMs } from '../../../node/src/lib/clock.ts';
import { selfSigned } from './self-signed.ts';

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const http = (handler: RequestListener, host?: string): Promise<number> => listen(createHttp(handler), host);
/** A server that speaks bytes: `handler` gets the socket of each connection and its number. */
const raw = (handler: (socket: Socket, number: number) => void): Promise<number> => {
  let connections = 0;
  return listen(
    createPlain((socket) => {
      socket.on('error', () => undefined);
      handler(socket, connections++);
    }),
  );
};

type Lookup = ConstructorParameters<typeof HttpClient>[2];
function aClient(settings: Partial<HttpSettings> = {}, lookup?: Lookup): HttpClient {
  const client = new HttpClient(
    {
      timeoutMs: 10_000,
      skipTlsVerify: false,
      resolve: null,
      pool: { maxIdlePerHost: 10, idleTimeoutMs: 5000 },
      ...settings,
    },
    monotonicMs,
    lookup,
  );
  const timer = setInterval(() => client.expire(monotonicMs()), 10);
  closers.push(() => {
    clearInterval(timer);
    client.close();
  });
  return client;
}

/** One GET: `200 body`, or the category it failed with; and whether the client sent it again. */
function get(client: HttpClient, url: string, head = 'GET'): Promise<string> {
  const origin = client.origin(new URL(url));
  const bytes = Buffer.from(`${head} ${new URL(url).pathname} HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  const wishes = { isHead: head === 'HEAD', keepBody: true, keepHeaders: false };
  return new Promise((resolve) => {
    const exchange = new Exchange({
      answered: ({ resent }, answer) =>
        resolve(`${answer.status} ${answer.bodyText()}${resent === 0 ? '' : `, resent ${resent} times`}`),
      failed: ({ resent }, category) => resolve(`${category}${resent === 0 ? '' : `, resent ${resent} times`}`),
    });
    client.send(exchange, { origin, bytes, wishes, isIdempotent: head !== 'POST' }, monotonicMs());
  });
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('connections', () => {
  it('one connection serves one request after the other, HEAD, 204 and chunked among them', async () => {
    const port = await http((request, response) => {
      if (request.url === '/empty') response.writeHead(204).end();
      else if (request.url === '/chunked') response.write('one ', () => response.end('two'));
      else response.end('fixed');
    });
    const client = aClient();
    const base = `http://127.0.0.1:${port}`;
    expect(await get(client, `${base}/fixed`)).toBe('200 fixed');
    expect(await get(client, `${base}/fixed`, 'HEAD')).toBe('200 ');
    expect(await get(client, `${base}/empty`)).toBe('204 ');
    expect(await get(client, `${base}/chunked`)).toBe('200 one two');
    expect(client.connectionsOpened).toBe(1);
  });

  it('Connection: close and a body that ends with the connection open a new one each time', async () => {
    const port = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end')));
    const client = aClient();
    expect(await get(client, `http://127.0.0.1:${port}/`)).toBe('200 until the end');
    expect(await get(client, `http://127.0.0.1:${port}/`)).toBe('200 until the end');
    expect(client.connectionsOpened).toBe(2);
  });

  it('maxIdlePerHost bounds what is kept, idleTimeout how long', async () => {
    const port = await http((_, response) => response.end('x'));
    const client = aClient({ pool: { maxIdlePerHost: 1, idleTimeoutMs: 60_000 } });
    const url = `http://127.0.0.1:${port}/`;
    await Promise.all([get(client, url), get(client, url)]);
    await get(client, url);
    expect(client.connectionsOpened).toBe(2);
    client.expire(monotonicMs() + 60_001);
    await get(client, url);
    expect(client.connectionsOpened).toBe(3);
  });

  it.each([
    ['GET', '200 ok, resent 1 times', 2],
    ['POST', 'reset_error', 1],
  ] as const)(
    'a kept-alive connection that died under a %s: %s (RFC 9110 9.2.2)',
    async (method, outcome, connections) => {
      const port = await raw((socket, number) => {
        let requests = 0;
        socket.on('data', () => (number === 0 && ++requests === 2 ? socket.resetAndDestroy() : socket.write(ok)));
      });
      const client = aClient();
      expect(await get(client, `http://127.0.0.1:${port}/`, method)).toBe('200 ok');
      expect(await get(client, `http://127.0.0.1:${port}/`, method)).toBe(outcome);
      expect(client.connectionsOpened).toBe(connections);
    },
  );

  it('once part of the answer is there, a reset is final', async () => {
    const port = await raw((socket) => {
      let requests = 0;
      socket.on('data', () => {
        if (++requests === 1) socket.write(ok);
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart', () => socket.resetAndDestroy());
      });
    });
    const client = aClient();
    expect(await get(client, `http://127.0.0.1:${port}/`)).toBe('200 ok');
    expect(await get(client, `http://127.0.0.1:${port}/`)).toBe('reset_error');
  });

  it('bytes nobody asked for end a connection before it is used again', async () => {
    const port = await raw((socket) => socket.on('data', () => socket.write(`${ok}HTTP/1.1 200 OK\r\n`)));
    const client = aClient();
    await get(client, `http://127.0.0.1:${port}/`);
    await get(client, `http://127.0.0.1:${port}/`);
    expect(client.connectionsOpened).toBe(2);
  });
});

describe('failures have one category each', () => {
  it('refused, unknown name, reset on a fresh connection, cut short, not HTTP, too slow', async () => {
    const port = await http(() => undefined);
    const closed = await http(() => undefined);
    closers.pop()!();
    const client = aClient({}, (host, callback) => callback(new Error(`no ${host}`), []));
    expect(await get(client, `http://127.0.0.1:${closed}/`)).toBe('connect_error');
    expect(await get(client, 'http://nowhere.example/')).toBe('dns_error');
    const reset = await raw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await get(client, `http://127.0.0.1:${reset}/`)).toBe('reset_error');
    const short = await raw((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart')),
    );
    expect(await get(client, `http://127.0.0.1:${short}/`)).toBe('reset_error');
    const noise = await raw((socket) => socket.once('data', () => socket.end('220 mail.example ESMTP\r\n')));
    expect(await get(client, `http://127.0.0.1:${noise}/`)).toBe('protocol_error');
    expect(client.inFlight).toBe(0);
    const impatient = aClient({ timeoutMs: 150 });
    const before = monotonicMs();
    expect(await get(impatient, `http://127.0.0.1:${port}/`)).toBe('timeout_error');
    expect(monotonicMs() - before).toBeGreaterThanOrEqual(150);
    expect(impatient.inFlight).toBe(0);
  });

  it('the timeout covers the whole request: a body that trickles does not prolong it', async () => {
    const port = await http((_, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await get(aClient({ timeoutMs: 200 }), `http://127.0.0.1:${port}/`)).toBe('timeout_error');
  });

  it('a failed lookup is remembered for a second: one query, not one per request', async () => {
    let queries = 0;
    const client = aClient({}, (host, callback) => {
      queries++;
      setImmediate(() => callback(new Error(`no ${host}`), []));
    });
    const asked = Array.from({ length: 20 }, () => get(client, 'http://nowhere.example/'));
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['dns_error']));
    expect(await get(client, 'http://nowhere.example/')).toBe('dns_error');
    expect(queries).toBe(1);
  });
});

describe('addresses', () => {
  it('tries the next address of a host when one refuses, and starts with the good one from then on', async () => {
    const port = await http((_, response) => response.end('here'));
    const client = aClient({ pool: { maxIdlePerHost: 0, idleTimeoutMs: 1 } }, (_, callback) =>
      callback(null, ['127.0.0.9', '127.0.0.1']),
    );
    expect(await get(client, `http://two.example:${port}/`)).toBe('200 here');
    expect(await get(client, `http://two.example:${port}/`)).toBe('200 here');
    expect(client.origin(new URL(`http://two.example:${port}/`)).goodAddress).toBe(1);
  });

  it('resolve connects elsewhere and leaves the Host header alone', async () => {
    const port = await http((request, response) => response.end(request.headers.host));
    const client = aClient({ resolve: { host: 'shop.example', address: '127.0.0.1', port } });
    expect(await get(client, 'http://shop.example/')).toBe('200 shop.example');
  });

  it('speaks IPv6', async () => {
    const port = await http((request, response) => response.end(request.headers.host), '::1');
    expect(await get(aClient(), `http://[::1]:${port}/`)).toBe(`200 [::1]:${port}`);
  });
});

describe('TLS', () => {
  const secure = (handler: RequestListener): Promise<number> => listen(createHttps(selfSigned, handler));

  it('refuses a certificate nobody vouches for, unless the plan skips the check; then resumes its sessions', async () => {
    const resumed: boolean[] = [];
    const port = await secure((request, response) => {
      resumed.push((request.socket as unknown as { isSessionReused(): boolean }).isSessionReused());
      response.setHeader('Connection', 'close').end('secret');
    });
    const url = `https://127.0.0.1:${port}/`;
    expect(await get(aClient(), url)).toBe('tls_error');
    const client = aClient({ skipTlsVerify: true });
    expect(await get(client, url)).toBe('200 secret');
    expect(await get(client, url)).toBe('200 secret');
    expect(resumed).toEqual([false, true]);
  });

  it('sends the host as server name, also to an address of its own choosing', async () => {
    let name: unknown;
    const port = await secure((request, response) => {
      name = (request.socket as unknown as { servername: unknown }).servername;
      response.end('x');
    });
    const client = aClient({ skipTlsVerify: true, resolve: { host: 'shop.example', address: '127.0.0.1', port } });
    expect(await get(client, 'https://shop.example/')).toBe('200 x');
    expect(name).toBe('shop.example');
  });

  it('a port that speaks no TLS is a TLS failure', async () => {
    const port = await raw((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(await get(aClient(), `https://127.0.0.1:${port}/`)).toBe('tls_error');
  });
});
