import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerFrame, PeerIdentity, Transport } from '../../../node/src/transport/transport.ts';
import { Recorder } from './recorder.ts';

/** A network of its own for one test, on which transports of named nodes can be made and replaced. */
export interface TransportNetwork {
  /**
   * A transport for the node `id`, not started. The list holds "a" and "b"; `changes` go into the identity. One made under an
   * id that is taken replaces the process, and the earlier one must have been closed or cut.
   */
  make(id: 'a' | 'b', changes?: Partial<PeerIdentity>): Transport;
  /** Ends the process of this transport without a goodbye. */
  cut(transport: Transport): Promise<void>;
  close(): Promise<void>;
}

export const numbered = (requestId: number, bytes = 10): PeerFrame => ({
  kind: 'request',
  requestId,
  method: 'test',
  body: new Uint8Array(bytes).fill(requestId % 251),
});

/** What every transport must do, by transport/transport.ts. */
export function transportContract(name: string, makeNetwork: () => Promise<TransportNetwork>): void {
  describe(`${name}: transport contract`, () => {
    let network: TransportNetwork;
    let a: Transport;
    let b: Transport;
    let atA: Recorder;
    let atB: Recorder;

    beforeEach(async () => {
      network = await makeNetwork();
      [atA, atB] = [new Recorder(), new Recorder()];
      a = network.make('a');
      b = network.make('b');
    });
    afterEach(() => network.close());

    const connect = async (): Promise<void> => {
      await a.start(atA);
      await b.start(atB);
      await Promise.all([atA.until(() => atA.up.length === 1), atB.until(() => atB.up.length === 1)]);
    };

    it('tells each side once that the other is up, with the identity it gave', async () => {
      await connect();
      expect(atA.up).toMatchObject([{ nodeId: 'b' }]);
      expect(atB.up).toMatchObject([{ nodeId: 'a' }]);
      expect(a.peers()).toMatchObject([
        { expectedId: 'b', state: 'connected', problem: null, identity: { nodeId: 'b' } },
      ]);
    });

    it('delivers frames in the order they were sent, unchanged', async () => {
      await connect();
      const sent = Array.from({ length: 200 }, (_, index) => numbered(index, index * 17));
      for (const frame of sent) expect(a.send('b', frame)).toBe(true);
      await atB.until(() => atB.frames.length === sent.length);
      expect(atB.frames.map(({ frame }) => frame)).toEqual(sent);
      expect(atB.frames.every(({ from }) => from.nodeId === 'a')).toBe(true);
    });

    it('delivers every kind of frame both ways', async () => {
      await connect();
      const frames: PeerFrame[] = [
        numbered(1),
        { kind: 'response', requestId: 1, body: new Uint8Array([7]) },
        { kind: 'failure', requestId: 2, code: 'BUSY', message: 'later' },
        {
          kind: 'raft',
          message: { kind: 'heartbeat', from: 'b', to: 'a', term: 3, commitIndex: 2, round: 1, leaseMs: 0 },
        },
      ];
      for (const frame of frames) b.send('a', frame);
      await atA.until(() => atA.frames.length === frames.length);
      expect(atA.frames.map(({ frame }) => frame)).toEqual(frames);
    });

    it('delivers a frame only between onPeerUp and onPeerDown', async () => {
      // The first frame leaves the moment one side holds the pair for up, while the other may not yet.
      atA.onPeerUp = (peer) => {
        Recorder.prototype.onPeerUp.call(atA, peer);
        a.send('b', numbered(1));
      };
      await connect();
      await atB.until(() => atB.frames.length === 1);
      expect(atB.order).toEqual(['up a', 'frame a']);
    });

    it('takes no frame for a peer that is not connected, unknown, or itself', async () => {
      await a.start(atA);
      expect(a.send('b', numbered(1))).toBe(false);
      expect(a.send('nobody', numbered(1))).toBe(false);
      expect(a.send('a', numbered(1))).toBe(false);
    });

    it('tells that a peer is down when its process ends, and up with the new session when it is replaced', async () => {
      await connect();
      await network.cut(b);
      await atA.until(() => atA.down.length === 1);
      expect(a.peers()[0]?.state).toBe('connecting');
      const again = network.make('b', { session: 'second' });
      const atAgain = new Recorder();
      await again.start(atAgain);
      await atA.until(() => atA.up.length === 2);
      await atAgain.until(() => atAgain.up.length === 1);
      expect(atA.up[1]).toMatchObject({ nodeId: 'b', session: 'second' });
      expect(a.send('b', numbered(5))).toBe(true);
      await atAgain.until(() => atAgain.frames.length === 1);
    });

    it('says goodbye when it closes, so that the peer knows it was no failure', async () => {
      await connect();
      await b.close();
      await atA.until(() => atA.down.length === 1);
      expect(atA.down[0]?.reason).toMatch(/^closed/);
    });

    it('measures how the clocks relate: on one machine, hardly at all', async () => {
      await connect();
      // Each exchange of frames gives the transport's own exchange time to arrive.
      for (let round = 1; a.clockOffset('b') === null; round += 1) {
        b.send('a', numbered(round));
        await atA.until(() => atA.frames.length === round);
      }
      const offset = a.clockOffset('b');
      expect(offset).not.toBeNull();
      expect(Math.abs(offset!.offsetMs)).toBeLessThanOrEqual(offset!.errorMs + 0.01);
      expect(offset!.errorMs).toBeCloseTo(offset!.roundTripMs / 2);
      expect(a.clockOffset('nobody')).toBeNull();
    });

    it('refuse ends the connection and says why on both sides', async () => {
      await connect();
      a.refuse('b', 'its disk was wiped');
      await Promise.all([atA.until(() => atA.problems.length > 0), atB.until(() => atB.problems.length > 0)]);
      await Promise.all([atA.until(() => atA.down.length === 1), atB.until(() => atB.down.length === 1)]);
      expect(atA.problems[0]?.reason).toContain('its disk was wiped');
      expect(atB.problems[0]?.reason).toContain('its disk was wiped');
      expect(a.send('b', numbered(1))).toBe(false);
      expect(a.peers()[0]).toMatchObject({ state: 'refused', problem: expect.stringContaining('wiped') as string });
    });
  });
}
