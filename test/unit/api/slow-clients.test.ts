import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiServer, startApi } from '../../../node/src/api/server.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { fakeBackend } from './fake-backend.ts';

const limits = { requestTimeoutMs: 300, timeoutCheckMs: 50 };
const drip = { everyMs: 50, bytes: 400 };
let api: ApiServer;
beforeEach(async () => {
  const address = { host: '127.0.0.1', port: 0 };
  api = await startApi({
    ...address,
    backend: fakeBackend(),
    token: () => null,
    ownNames: new Set(),
    log: silentLog,
    limits,
  });
});
afterEach(() => api.close());

const head =
  'POST /config HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/yaml\r\nContent-Length: 1000\r\n\r\n';

/** Sends the beginning, then a byte at a time or nothing; resolves with the answer and how much was sent when it was ended. */
async function slowly(
  beginning: string,
  dripping: boolean,
): Promise<{ readonly answer: string; readonly sent: number }> {
  const socket = connect(api.address.port, '127.0.0.1');
  // The server may reset what it has answered while bytes were still on their way; then it is closed all the same.
  const closed = new Promise((resolve) => socket.on('error', () => socket.destroy()).once('close', resolve));
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  let sent = 0;
  socket.write(beginning);
  const timer = setInterval(() => {
    // What has arrived is read first: a byte sent behind the answer could cost the rest of it.
    setImmediate(() => {
      if (dripping && answer === '' && sent < drip.bytes) socket.write(sent++ % 2 === 0 ? 'x' : 'y');
    });
  }, drip.everyMs);
  await closed;
  clearInterval(timer);
  return { answer, sent };
}

// Far less than the minute that node:http gives where nothing is said.
describe('a client that does not get on with its request is ended in time, with an answer', { timeout: 10_000 }, () => {
  it.each([
    ['sends nothing', '', false],
    ['stops in the middle of a header', 'GET /health HTTP/1.1\r\nHos', false],
    ['stops before the body', head, false],
    ['sends its headers a byte at a time', 'GET /health HTTP/1.1\r\nX-Slow: ', true],
    ['sends its body a byte at a time', head, true],
  ])('when it %s', async (_, beginning, dripping) => {
    const { answer, sent } = await slowly(beginning, dripping);
    expect(answer).toContain('HTTP/1.1 408 Request Timeout');
    expect(answer).toContain('"code":"REQUEST_TIMEOUT"');
    // Twenty seconds' worth of bytes were there to send.
    expect(sent).toBeLessThan(drip.bytes);
  });
});
