import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { type LogLine, TestCluster } from './support/cluster.ts';
import { startRecorder } from './support/helpers.ts';

const waitMs = 20_000;

let cluster: TestCluster;
let recorder: Awaited<ReturnType<typeof startRecorder>>;
beforeAll(async () => {
  recorder = await startRecorder();
  cluster = await TestCluster.start(3);
});
afterAll(async () => {
  await cluster.stop();
  await recorder.stop();
});

/** Waits for a line of the node that fits, and returns it. */
const line = (id: string, what: string, from: number, fits: (line: LogLine) => boolean): Promise<LogLine> =>
  waitFor(`${id} to log ${what}`, waitMs, () => Promise.resolve(cluster.log(id).slice(from).find(fits) ?? false));

it('every line names the node, the term it is in, and the run that is on', async () => {
  const plan = `version: "1.0"
config: { baseUrl: "${recorder.baseUrl}", duration: 60s }
load: { model: rps, target: 10 }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;
  const { run_id: run } = await cluster.submit(plan, 'lines');
  await cluster.runReaches('running', waitMs);
  const leader = await cluster.leader();
  const killed = cluster.members.find(({ id }) => id !== leader)!.id;
  const living = cluster.members.map(({ id }) => id).filter((id) => id !== killed);
  await cluster.processes.kill(killed, 'SIGKILL');
  for (const id of living) {
    const lost = await line(id, 'the lost peer', 0, ({ msg, peer }) => msg.startsWith('lost') && peer === killed);
    expect(lost).toMatchObject({ node: id, run, term: expect.any(Number) as number });
  }
  await cluster.client.post('/stop', {}, null);
  await cluster.runReaches('finished', waitMs);
  for (const id of living)
    await waitFor(`${id} to know the end`, waitMs, async () => {
      const { api } = cluster.member(id);
      const health = (await (await fetch(`http://${api}/health`)).json()) as { run_state: string };
      return health.run_state === 'finished';
    });
  const before = new Map(living.map((id) => [id, cluster.log(id).length]));
  cluster.startNode(killed);
  for (const id of living) {
    const isBack = ({ msg, peer }: LogLine): boolean => msg === 'connected' && peer === killed;
    const back = await line(id, 'the peer that is back', before.get(id)!, isBack);
    expect(back.run).toBeUndefined();
  }
  for (const { id } of cluster.members) {
    const lines = cluster.log(id);
    expect(lines.filter((each) => each.node !== id)).toEqual([]);
    const elected = lines.findIndex(({ msg }) => / leads term /.test(msg));
    expect(elected).toBeGreaterThanOrEqual(0);
    expect(lines.slice(elected).filter(({ term }) => !(term! >= 1))).toEqual([]);
  }
});
