import { waitFor } from '../../../scripts/lib/wait-for.ts';
import type { Battlefield, Fault, Nemesis } from '../nemesis.ts';
import type { NodeProcess } from '../node-process.ts';

const patienceMs = 60_000;

/** Each node in turn is stopped in order and started again once the one before takes part: how a cluster is upgraded. */
export const rollingRestart: Nemesis = {
  kind: 'rolling restart',
  async begin({ nodes, random }: Battlefield): Promise<Fault> {
    for (const node of random.shuffled(nodes)) {
      await node.stop();
      await node.start();
      await waitFor(`${node.id} to take part again`, patienceMs, () => follows(node));
    }
    return { what: 'rolling restart of all', durationMs: 0, heal: () => Promise.resolve() };
  },
};

/** That it knows a leader; whether it has what the leader has, its answers to the clients show. */
async function follows(node: NodeProcess): Promise<boolean> {
  const status = await node.status();
  return status !== null && status.leaderId !== null;
}
