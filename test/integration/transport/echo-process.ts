// A node of its own process for the tests beside it: "b", answering each request with its body. Its session is its pid.
import { systemClock } from '../../../node/src/lib/clock.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { networkTransports } from './loopback.ts';

const [ownPort, otherPort] = process.argv.slice(2).map(Number);
const [, create] = networkTransports.find(([name]) => name === process.argv[4])!;
const host = '127.0.0.1';
const transport = create({
  self: () => ({
    nodeId: 'b',
    incarnation: 'disk-b',
    session: String(process.pid),
    clusterId: null,
    listedSize: 2,
    region: 'local',
    apiAddress: '127.0.0.1:1',
    electionPriority: 0,
    isLearner: false,
  }),
  bind: { host, port: ownPort! },
  listed: [
    { id: 'a', host, port: otherPort! },
    { id: 'b', host, port: ownPort! },
  ],
  selfIndex: 1,
  security: { secret: null, tls: null },
  clock: systemClock,
  log: silentLog,
});
await transport.start({
  onFrame(from, frame) {
    if (frame.kind !== 'request') return;
    transport.send(from.nodeId, { kind: 'response', requestId: frame.requestId, body: frame.body });
  },
  onPeerUp: () => undefined,
  onPeerDown: () => undefined,
  onPeerEnded: () => undefined,
  onMismatch: () => undefined,
  onMismatchAgain: () => undefined,
});
// Whoever started this process is gone: so is the reason to run.
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
