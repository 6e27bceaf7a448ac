import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppendRequest } from '../../../node/src/raft/messages.ts';
import type { WireFrame } from '../../../node/src/transport/frames.ts';
import { BadFrame, decodeFrame, encodeFrame } from '../../../node/src/transport/codec.ts';

const ends = { from: 'a', to: 'b' };
const count = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 200 });
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const instant = fc.double({ noNaN: true });

const identity = fc.record({
  nodeId: text,
  incarnation: text,
  session: text,
  clusterId: fc.option(text),
  listedSize: fc.nat(),
  region: text,
  apiAddress: text,
  electionPriority: fc.nat(),
  isLearner: fc.boolean(),
});
const entry = fc.record({
  index: count,
  term: count,
  kind: fc.constantFrom('noop', 'membership', 'command'),
  data: bytes,
});
const envelope = { from: fc.constant('a'), to: fc.constant('b'), term: count };

/** One arbitrary for each kind of frame; a kind that is missing here does not compile. */
const kinds = {
  hello: fc.record({ protocolVersion: fc.nat(), identity, address: text, expectedId: fc.option(text), nonce: bytes }),
  welcome: fc.record({ protocolVersion: fc.nat(), identity, nonce: bytes }),
  proof: fc.record({ mac: bytes }),
  admitted: fc.record({ mac: bytes, notice: fc.option(text) }),
  refused: fc.record({ reason: text }),
  ping: fc.record({ sequence: count, sentMs: instant }),
  pong: fc.record({ sequence: count, sentMs: instant, receivedMs: instant, repliedMs: instant }),
  request: fc.record({ requestId: count, method: text, body: bytes }),
  response: fc.record({ requestId: count, body: bytes }),
  failure: fc.record({ requestId: count, code: text, message: text }),
  snapshotChunk: fc.record({
    ...{ index: count, term: count, fileBytes: count, checksum: fc.nat({ max: 2 ** 32 - 1 }), offset: count },
    data: bytes,
  }),
  snapshotAck: fc.record({
    ...{ index: count, checksum: fc.nat({ max: 2 ** 32 - 1 }), offset: count, isDone: fc.boolean() },
    refusal: fc.option(text),
  }),
  raft: fc.record({
    message: fc.oneof(
      fc.record({
        ...envelope,
        kind: fc.constant('voteRequest'),
        preVote: fc.boolean(),
        lastLogIndex: count,
        lastLogTerm: count,
        transfer: fc.boolean(),
      }),
      fc.record({ ...envelope, kind: fc.constant('timeoutNow'), lastLogIndex: count, lastLogTerm: count }),
      fc.record({
        ...envelope,
        kind: fc.constant('voteResponse'),
        preVote: fc.boolean(),
        requestTerm: count,
        granted: fc.boolean(),
        reason: text,
      }),
      fc.record({
        ...envelope,
        kind: fc.constant('appendRequest'),
        prevLogIndex: count,
        prevLogTerm: count,
        entries: fc.array(entry, { maxLength: 5 }),
        commitIndex: count,
      }),
      fc.record({
        ...envelope,
        kind: fc.constant('appendResponse'),
        success: fc.boolean(),
        index: count,
        hintIndex: count,
        hintTerm: count,
      }),
      fc.record({ ...envelope, kind: fc.constant('heartbeat'), commitIndex: count, round: count, leaseMs: count }),
      fc.record({ ...envelope, kind: fc.constant('heartbeatResponse'), round: count, leaseMs: count }),
    ),
  }),
} satisfies Record<WireFrame['kind'], fc.Arbitrary<object>>;

describe('codec', () => {
  it.each(Object.entries(kinds))('gives back every %s frame as it was', (kind, arbitrary) => {
    fc.assert(
      fc.property(arbitrary as fc.Arbitrary<object>, (fields) => {
        const frame = { kind, ...fields } as unknown as WireFrame;
        expect(decodeFrame(encodeFrame(frame), ends)).toEqual(frame);
      }),
      { numRuns: 200 },
    );
  });

  it('names the proven ends of the stream in a Raft message, whatever the sender claimed', () => {
    const forged: WireFrame = {
      kind: 'raft',
      message: {
        kind: 'heartbeat',
        from: 'somebody else',
        to: 'nobody',
        term: 3,
        commitIndex: 2,
        round: 1,
        leaseMs: 0,
      },
    };
    expect(decodeFrame(encodeFrame(forged), ends)).toMatchObject({ message: { from: 'a', to: 'b' } });
  });

  it('keeps 2^53 - 1 and refuses 2^53 in both directions', () => {
    const ping = (sequence: number): WireFrame => ({ kind: 'ping', sequence, sentMs: 0 });
    expect(decodeFrame(encodeFrame(ping(2 ** 53 - 1)), ends)).toEqual(ping(2 ** 53 - 1));
    expect(() => encodeFrame(ping(2 ** 53))).toThrow('counting number');
    expect(() => encodeFrame(ping(-1))).toThrow('counting number');
    // Field 6 (ping), one field: sequence = 2^53 as a varint.
    const tooLarge = Buffer.from([0x32, 0x09, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]);
    expect(() => decodeFrame(tooLarge, ends)).toThrow('not below 2^53');
  });

  it('copies entry data out of the network buffer, so that a kept entry does not keep the buffer', () => {
    const data = new Uint8Array([1, 2, 3]);
    const wire = Buffer.from(encodeFrame({ kind: 'response', requestId: 1, body: data }));
    const frame = decodeFrame(wire, ends);
    wire.fill(0);
    expect(frame).toMatchObject({ body: data });
    expect((frame as unknown as { body: Uint8Array }).body.buffer.byteLength).toBeLessThanOrEqual(8 * 1024);
  });

  it('keeps what it copied apart, however many share a pool, and large ones alone', () => {
    const sizes = [0, 1, 4_000, 4_096, 4_097, 100, 8_192, 8_193, 4_000, 200, 70_000, 1];
    const bodies = sizes.map((size, at) => new Uint8Array(size).fill(at + 1));
    const kept = bodies.map((body) => decodeFrame(encodeFrame({ kind: 'response', requestId: 1, body }), ends));
    kept.forEach((frame, at) => expect(frame).toEqual({ kind: 'response', requestId: 1, body: bodies[at] }));
  });

  it('gives an append of the same entries the same bytes, and another one its own', () => {
    const entries = [1, 2].map(
      (index) => ({ index, term: 3, kind: 'command', data: new Uint8Array([index]) }) as const,
    );
    const append: AppendRequest = {
      ...{ kind: 'appendRequest', from: 'a', to: 'b', term: 3 },
      ...{ prevLogIndex: 0, prevLogTerm: 0, commitIndex: 0, entries },
    };
    const others: readonly Partial<AppendRequest>[] = [
      { to: 'c' },
      ...[{ term: 4 }, { prevLogIndex: 7 }, { prevLogTerm: 2 }, { commitIndex: 1 }, { entries: entries.slice(1) }],
      { entries: [entries[0]!, { ...entries[1]!, data: new Uint8Array([9]) }] },
    ];
    for (const change of others) {
      const message = { ...append, ...change };
      encodeFrame({ kind: 'raft', message: append });
      const decoded = decodeFrame(encodeFrame({ kind: 'raft', message }), { from: 'a', to: message.to });
      expect(decoded).toEqual({ kind: 'raft', message });
    }
  });

  it('answers any bytes with a frame or BadFrame, never with another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
        try {
          decodeFrame(garbage, ends);
        } catch (error) {
          expect(error).toBeInstanceOf(BadFrame);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses an entry of a kind it does not know instead of guessing one', () => {
    // appendRequest (18) with one entry (4) of kind (3) 9.
    const unknown = Buffer.from([0x92, 0x01, 0x04, 0x22, 0x02, 0x18, 0x09]);
    expect(() => decodeFrame(unknown, ends)).toThrow('unknown kind (9)');
  });
});
