import { describe, expect, it } from 'vitest';
import { TuttiError } from '../../../node/src/lib/errors.ts';
import { maxOutstandingRequests, maxRequestBytes } from '../../../node/src/consensus/requests.ts';
import { maxServedRequests } from '../../../node/src/consensus/serving.ts';
import type { PeerFrame } from '../../../node/src/transport/transport.ts';
import type { RecordingTransport } from './twins.ts';
import { openRig, peer, turn } from './twins.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const request = (requestId: number, method: string, body = ''): PeerFrame => ({
  ...{ kind: 'request', requestId, method, body: bytes(body) },
});
const response = (requestId: number, body: string): PeerFrame => ({ kind: 'response', requestId, body: bytes(body) });
const outcomeOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
const lastId = (transport: RecordingTransport): number => {
  const frame = transport.sent.at(-1)!.frame;
  return frame.kind === 'request' ? frame.requestId : NaN;
};

describe('asking a member', () => {
  it('resolves with the answer to its own number, from that member alone', async () => {
    const { consensus, transport, time } = await openRig();
    const timers = time.timersMs.length;
    const promise = consensus.request('b', 'echo', bytes('x'), 1_000);
    const requestId = lastId(transport);
    transport.handlers.onFrame(peer('c'), response(requestId, 'forged'));
    transport.handlers.onFrame(peer('b'), response(requestId + 1, 'another'));
    transport.handlers.onFrame(peer('b'), response(requestId, 'mine'));
    expect(await promise).toEqual(bytes('mine'));
    expect(time.timersMs).toHaveLength(timers);
  });

  it('fails at its deadline, naming whom and what it waited for, and leaves no timer', async () => {
    const { consensus, time } = await openRig();
    const timers = time.timersMs.length;
    const promise = outcomeOf(consensus.request('b', 'slow', bytes(''), 200));
    time.advance(200);
    expect(await promise).toMatchObject({ code: 'TIMEOUT', message: '"b" did not answer slow within 200 ms' });
    expect(time.timersMs).toHaveLength(timers);
  });

  it('fails at once when the member is not connected, or is lost meanwhile', async () => {
    const { consensus, transport } = await openRig();
    transport.handlers.onPeerUp(peer('b'));
    const lost = outcomeOf(consensus.request('b', 'slow', bytes(''), 200));
    const other = consensus.request('c', 'slow', bytes(''), 200);
    transport.handlers.onPeerDown(peer('b'), 'reset');
    expect(await lost).toMatchObject({ code: 'PEER_LOST', message: expect.stringContaining('reset') as string });
    transport.handlers.onFrame(peer('c'), response(lastId(transport), 'still there'));
    expect(await other).toEqual(bytes('still there'));
    transport.accepts = false;
    expect(await outcomeOf(consensus.request('b', 'slow', bytes(''), 200))).toMatchObject({ code: 'PEER_UNREACHABLE' });
  });

  it('carries the error of the member, except that what is fatal there is not fatal here', async () => {
    const { consensus, transport } = await openRig();
    const ask = (code: string): Promise<unknown> => {
      const promise = outcomeOf(consensus.request('b', 'submit', bytes(''), 200));
      transport.handlers.onFrame(peer('b'), { kind: 'failure', requestId: lastId(transport), code, message: 'no' });
      return promise;
    };
    expect(await ask('RUN_IN_PROGRESS')).toMatchObject({ code: 'RUN_IN_PROGRESS', message: 'no' });
    expect(await ask('DISK_FAILED')).toMatchObject({ code: 'PEER_FAILED', isFatal: false });
    expect(await ask('toString')).toMatchObject({ code: 'PEER_FAILED' });
  });

  it('is bounded in number and size', async () => {
    const { consensus } = await openRig();
    const tooLarge = outcomeOf(consensus.request('b', 'm', Buffer.alloc(maxRequestBytes + 1), 1_000));
    expect(await tooLarge).toMatchObject({ code: 'TOO_LARGE' });
    const all = Array.from({ length: maxOutstandingRequests }, () =>
      outcomeOf(consensus.request('b', 'm', bytes(''), 9)),
    );
    expect(await outcomeOf(consensus.request('b', 'm', bytes(''), 9))).toMatchObject({ code: 'BUSY' });
    await consensus.close();
    expect(new Set((await Promise.all(all)).map((error) => (error as TuttiError).code))).toEqual(
      new Set(['SHUTTING_DOWN']),
    );
  });

  it('itself needs no network', async () => {
    const { consensus, transport, time } = await openRig();
    consensus.handle('echo', (body, from) => Promise.resolve(bytes(`${from}:${Buffer.from(body).toString()}`)));
    expect(await consensus.request('a', 'echo', bytes('x'), 100)).toEqual(bytes('a:x'));
    consensus.handle('never', () => new Promise(() => undefined));
    const promise = outcomeOf(consensus.request('a', 'never', bytes(''), 100));
    time.advance(100);
    expect(await promise).toMatchObject({ code: 'TIMEOUT' });
    expect(transport.sent).toEqual([]);
    expect(consensus.clockOffset('a')).toEqual({ offsetMs: 0, errorMs: 0, roundTripMs: 0 });
  });
});

describe('answering a member', () => {
  it('sends back what the handler returned, or its error by code and message', async () => {
    const { consensus, transport } = await openRig();
    consensus.handle('echo', (body) => Promise.resolve(body));
    consensus.handle('refuse', () => Promise.reject(new TuttiError('RUN_NOT_FOUND', 'there was no run')));
    consensus.handle('huge', () => Promise.resolve(Buffer.alloc(maxRequestBytes + 1)));
    transport.handlers.onPeerUp(peer('b'));
    for (const [at, method] of ['echo', 'refuse', 'huge', 'unknown'].entries()) {
      transport.handlers.onFrame(peer('b'), request(at, method, 'x'));
    }
    await turn();
    expect(transport.sent.map(({ to }) => to)).toEqual(['b', 'b', 'b', 'b']);
    const byId = new Map(transport.sent.map(({ frame }) => ['requestId' in frame ? frame.requestId : -1, frame]));
    expect(byId.get(0)).toEqual({ kind: 'response', requestId: 0, body: bytes('x') });
    expect(byId.get(1)).toMatchObject({ kind: 'failure', code: 'RUN_NOT_FOUND', message: 'there was no run' });
    expect(byId.get(2)).toMatchObject({ kind: 'failure', code: 'TOO_LARGE' });
    expect(byId.get(3)).toMatchObject({ kind: 'failure', message: 'no handler for "unknown" on this node' });
  });

  it('does not answer the successor of the process that asked', async () => {
    const { consensus, transport } = await openRig();
    let answer!: (body: Uint8Array) => void;
    consensus.handle('slow', () => new Promise((resolve) => (answer = resolve)));
    transport.handlers.onPeerUp(peer('b', 'first'));
    transport.handlers.onFrame(peer('b', 'first'), request(1, 'slow'));
    transport.handlers.onPeerDown(peer('b', 'first'), 'reset');
    transport.handlers.onPeerUp(peer('b', 'second'));
    answer(bytes('late'));
    await turn();
    expect(transport.sent).toEqual([]);
  });

  it('is bounded in number', async () => {
    const { consensus, transport } = await openRig();
    consensus.handle('never', () => new Promise(() => undefined));
    transport.handlers.onPeerUp(peer('b'));
    for (let at = 0; at <= maxServedRequests; at++) transport.handlers.onFrame(peer('b'), request(at, 'never'));
    expect(transport.sent).toMatchObject([{ frame: { kind: 'failure', requestId: maxServedRequests, code: 'BUSY' } }]);
  });

  it('frees its place for the next one', async () => {
    const { consensus, transport } = await openRig();
    consensus.handle('echo', (body) => Promise.resolve(body));
    transport.handlers.onPeerUp(peer('b'));
    for (let at = 0; at < maxServedRequests; at++) transport.handlers.onFrame(peer('b'), request(at, 'echo'));
    await turn();
    transport.handlers.onFrame(peer('b'), request(9_999, 'echo'));
    await turn();
    expect(transport.sent.at(-1)).toMatchObject({ frame: { kind: 'response', requestId: 9_999 } });
  });
});
