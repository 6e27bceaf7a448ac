import fc from 'fast-check';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpLimits } from '../../../node/src/generator/http/limits.ts';
import { ResponseParser } from '../../../node/src/generator/http/parser.ts';

interface Seen {
  readonly status: number;
  readonly body: string;
  readonly reusable: boolean;
}

/** Feeds the text split after each of `cuts`, then the end of the connection; null: refused or cut short. */
function parse(text: string, cuts: readonly number[] = [], isHead = false): Seen | null {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new ResponseParser();
  parser.begin({ isHead, keepBody: true, keepHeaders: true });
  const edges = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort((a, b) => a - b);
  for (let at = 1; at < edges.length; at++) {
    if (parser.isDone) return null;
    if (parser.push(bytes, edges[at - 1]!, edges[at]!) === -1) return null;
  }
  const reusable = parser.isDone && parser.framing.persistent;
  return parser.finish() ? { status: parser.status, body: parser.bodyText(), reusable } : null;
}

const everySplit = (text: string): (Seen | null)[] =>
  Array.from({ length: text.length - 1 }, (_, at) => parse(text, [at + 1]));
const byteByByte = (text: string): Seen | null =>
  parse(
    text,
    Array.from({ length: text.length }, (_, at) => at),
  );

const responses: Record<string, [text: string, seen: Seen | null]> = {
  'Content-Length': [
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
    { status: 200, body: 'hello', reusable: true },
  ],
  'an empty body': ['HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n', { status: 200, body: '', reusable: true }],
  'no reason phrase': ['HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n', { status: 404, body: '', reusable: true }],
  'chunks, extension and trailer': [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n',
    { status: 200, body: 'hello!', reusable: true },
  ],
  'interim answers': [
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx',
    { status: 201, body: 'x', reusable: true },
  ],
  '204 with a Content-Length': [
    'HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n',
    { status: 204, body: '', reusable: true },
  ],
  '304 with a Content-Length': [
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
    { status: 304, body: '', reusable: true },
  ],
  'until the connection closes': [
    'HTTP/1.1 200 OK\r\n\r\nall of it',
    { status: 200, body: 'all of it', reusable: false },
  ],
  'HTTP/1.0': ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', { status: 200, body: 'ok', reusable: false }],
  'HTTP/1.0 keep-alive': [
    'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', reusable: true },
  ],
  'Connection: close': [
    'HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', reusable: false },
  ],
  'chunked beside Content-Length (RFC 9112 6.1: not reused)': [
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    { status: 200, body: 'ok', reusable: false },
  ],
  'bare line feeds': ['HTTP/1.1 200 OK\nContent-Length: 2\n\nok', { status: 200, body: 'ok', reusable: true }],
  'a folded header': [
    'HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\nContent-Length: 2\r\n\r\nok',
    { status: 200, body: 'ok', reusable: true },
  ],
  'an end inside the body': ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', null],
  'an end inside the chunks': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', null],
  'an end inside the head': ['HTTP/1.1 200 OK\r\nContent-Le', null],
  'no HTTP': ['SSH-2.0-OpenSSH_9.6\r\n', null],
  'HTTP/2': ['HTTP/2 200\r\n\r\n', null],
  'contradicting lengths': ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk', null],
  'a length that is none': ['HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok', null],
  'a blank before the colon': ['HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok', null],
  'a chunk size that is none': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', null],
  'a chunk longer than its size': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n', null],
  'a switch of protocols nobody asked for': ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', null],
};

describe('response parser (RFC 9112), wherever the bytes are split', () => {
  for (const [name, [text, seen]] of Object.entries(responses)) {
    it(name, () => {
      expect(parse(text)).toEqual(seen);
      expect(byteByByte(text)).toEqual(seen);
      for (const split of everySplit(text)) expect(split).toEqual(seen);
    });
  }

  it('an answer to HEAD has no body, whatever it announces', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';
    expect(parse(text, [], true)).toEqual({ status: 200, body: '', reusable: true });
  });

  it('stops behind the response and leaves what follows alone', () => {
    const parser = new ResponseParser();
    parser.begin({ isHead: false, keepBody: true, keepHeaders: false });
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500');
    expect(bytes.subarray(parser.push(bytes, 0, bytes.length)).toString()).toBe('HTTP/1.1 500');
    expect(parser.isDone).toBe(true);
  });

  it('knows headers by name in any case, and forgets those of an interim answer', () => {
    const parser = new ResponseParser();
    parser.begin({ isHead: false, keepBody: false, keepHeaders: true });
    const bytes = Buffer.from(
      'HTTP/1.1 103 X\r\nEarly: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Trace: 1\r\nContent-Length: 0\r\n\r\n',
    );
    parser.push(bytes, 0, bytes.length);
    expect([parser.hasHeader('x-trace'), parser.hasHeader('early')]).toEqual([true, false]);
  });

  it('a head beyond the limit is refused, be it one line, many lines or many interim answers', () => {
    const long = 'x'.repeat(httpLimits.headBytes);
    expect(parse(`HTTP/1.1 200 OK\r\nX: ${long}`, [1000, 2000, 30_000])).toBeNull();
    expect(parse(`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(20_000)}Content-Length: 0\r\n\r\n`)).toBeNull();
    expect(parse(`${'HTTP/1.1 100 C\r\n\r\n'.repeat(10_000)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`)).toBeNull();
  });

  it('a long chunked body is not taken for a long head', () => {
    const text = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(40_000)}0\r\n\r\n`;
    expect(parse(text)?.body.length).toBe(40_000);
  });

  it('keeps one MiB of a body and says that there was more', () => {
    const parser = new ResponseParser();
    parser.begin({ isHead: false, keepBody: true, keepHeaders: false });
    const size = httpLimits.keptBodyBytes + 10;
    const bytes = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    for (let at = 0; at < bytes.length; at += 65_536) parser.push(bytes, at, Math.min(bytes.length, at + 65_536));
    expect([parser.isDone, parser.truncated, parser.bodyText().length]).toEqual([true, true, httpLimits.keptBodyBytes]);
  });
});

describe('beside node:http as the oracle', () => {
  let answer = '';
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer, 'latin1'));
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

  const ask = (text: string): Promise<Omit<Seen, 'reusable'> | null> => {
    answer = text;
    const { port } = server.address() as AddressInfo;
    return new Promise((resolve) => {
      const asked = request({ createConnection: () => createConnection(port, '127.0.0.1'), path: '/' }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', () => resolve(null));
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString('utf8') }),
        );
      });
      asked.on('error', () => resolve(null)).end();
    });
  };

  const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
  const value = fc.stringMatching(/^[ -~]{0,20}$/);
  const bodies = fc.stringMatching(/^[ -~\r\n]{0,60}$/);
  const framed = fc.oneof(
    bodies.map((body) => `Content-Length: ${body.length}\r\n\r\n${body}`),
    fc
      .array(fc.stringMatching(/^[ -~]{1,20}$/), { maxLength: 4 })
      .map(
        (parts) =>
          `transfer-Encoding:  chunked\r\n\r\n${parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`,
      ),
    bodies.map((body) => `Connection: close\r\n\r\n${body}`),
  );
  const generated = fc
    .tuple(
      fc.boolean(),
      fc.constantFrom(200, 201, 204, 304, 404, 500),
      fc.array(fc.tuple(token, value), { maxLength: 4 }),
      framed,
    )
    .map(([interim, status, headers, rest]) => {
      const first = interim ? 'HTTP/1.1 100 Continue\r\n\r\n' : '';
      const isEmpty = status === 204 || status === 304;
      const lines = headers.map(([name, text]) => `X-${name}: ${text}\r\n`).join('');
      return `${first}HTTP/1.1 ${status} Some reason\r\n${lines}${isEmpty ? '\r\n' : rest}`;
    });

  it('status and body of generated responses are the same, split anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(generated, fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 6 }), async (text, cuts) => {
        const expected = await ask(text);
        const seen = parse(text, cuts);
        expect(seen === null ? null : { status: seen.status, body: seen.body }).toEqual(expected);
        expect(byteByByte(text)).toEqual(seen);
      }),
      { numRuns: 150 },
    );
  });

  it('bytes of noise never throw and never hang', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.nat(300)), (noise, cuts) => {
        parse(`HTTP/1.1 200 OK\r\n${noise}`, cuts);
        parse(noise, cuts);
      }),
    );
  });
});
