// A member in a process of its own, told what to do over its channel: processes.test.ts starts it.
import type { RealNode } from './real-node.ts';
import { openRealNode } from './real-node.ts';

export type Order =
  | { readonly kind: 'open'; readonly id: string; readonly dataDir: string; readonly ports: [string, number][] }
  | { readonly kind: 'propose'; readonly text: string }
  | { readonly kind: 'report' };

export type Report =
  | { readonly kind: 'leading' | 'leadsNoMore'; readonly term: number }
  | { readonly kind: 'settled'; readonly text: string; readonly outcome: string }
  | { readonly kind: 'state'; readonly applied: readonly string[]; readonly unmet: number | null };

// What happens while it closes is told to nobody: the channel is gone by then.
const say = (report: Report): void => {
  if (process.connected) process.send?.(report);
};
let opened: Promise<RealNode> | null = null;

async function open({ id, dataDir, ports }: Order & { readonly kind: 'open' }): Promise<RealNode> {
  const node = await openRealNode({ id, dataDir, ports: new Map(ports) });
  node.consensus.subscribe((event) => {
    if (event.kind === 'leadershipGained') say({ kind: 'leading', term: event.term });
    if (event.kind === 'leadershipLost') say({ kind: 'leadsNoMore', term: event.term });
    if (event.kind === 'fatal') throw event.error;
  });
  return node;
}

function carryOut(order: Order, { consensus, ledger }: RealNode): void {
  if (order.kind === 'report') {
    say({ kind: 'state', applied: ledger.applied, unmet: consensus.status().membership?.unmet ?? null });
  } else if (order.kind === 'propose') {
    const { text } = order;
    consensus.propose(Buffer.from(text)).then(
      () => say({ kind: 'settled', text, outcome: 'applied' }),
      (error: unknown) => say({ kind: 'settled', text, outcome: (error as { code: string }).code }),
    );
  }
}

process.on('message', (order: Order) => {
  if (order.kind === 'open') opened = open(order);
  void opened!.then((node) => carryOut(order, node));
});
// After close nothing of the consensus may keep the process alive: it ends by itself.
process.on('disconnect', () => void opened?.then((node) => node.close()));
