import type { Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { NodeId } from '../../raft/types.ts';
import { PeerStream } from '../peer/peer-stream.ts';
import type { WireKind } from '../peer/wire.ts';
import { FIRST_BYTE } from './framing.ts';
import { TcpPipe } from './pipe.ts';

export const tcpKind: WireKind = {
  name: 'plain TCP',
  setting: 'tcp',
  firstByte: FIRST_BYTE,
  alpnProtocol: 'tutti-peer',
  refuse,
};

/** Answers the first frame with Refused. A dialler that says nothing is cut at the listener's time limit. */
function refuse(socket: Socket, clock: Clock, reasonFor: (claimedId: NodeId | null) => string): void {
  const stream = new PeerStream(new TcpPipe(socket, clock), clock, {
    onFrame: (frame) => {
      const claimedId = frame.kind === 'hello' ? frame.identity.nodeId : null;
      stream.close({ kind: 'refused', reason: reasonFor(claimedId) });
    },
    onEnd: () => undefined,
  });
}
