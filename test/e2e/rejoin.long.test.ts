import { expect, it } from 'vitest';
import type { RunProgress } from '../../node/src/coordinator/service.ts';
import { waitFor } from '../../scripts/lib/wait-for.ts';
import { TestCluster } from './support/cluster.ts';
import { startRecorder } from './support/helpers.ts';

const ratePerSecond = 300;
/** After the return: a second to show that it stays, the horizon, and what is left must be worth a change of stripes. */
const durationMs = 16_000;
const plan = (baseUrl: string): string => `
version: "1.0"
config: { baseUrl: "${baseUrl}", duration: ${durationMs / 1000}s }
load: { model: rps, target: ${ratePerSecond} }
scenarios: [{ name: hit, steps: [{ request: { method: GET, path: "/hit/\${iteration}" } }] }]
`;

it(
  'a killed node that is started again in mid-run gets a stripe again, and nothing is fired or counted twice',
  { timeout: 90_000 },
  async () => {
    const recorder = await startRecorder();
    const cluster = await TestCluster.start(3);
    try {
      await cluster.submit(plan(recorder.baseUrl), 'rejoin');
      await cluster.runReaches('running', 20_000, 1500);
      const leader = await cluster.leader();
      const victim = cluster.members.find(({ id }) => id !== leader)!.id;
      await cluster.processes.kill(victim, 'SIGKILL');
      const firing = async (): Promise<readonly string[]> =>
        (await cluster.client.get<RunProgress>('/run')).nodes.filter((node) => node.inStripes).map((node) => node.node);
      await waitFor('the stripes without it', 10_000, async () => !(await firing()).includes(victim));
      cluster.startNode(victim);
      await waitFor(
        'the stripes with it again',
        20_000,
        async () => (await firing()).includes(victim),
        cluster.processes.firstDead,
      );

      await cluster.runReaches('finished', durationMs + 15_000);
      const report = await cluster.report();
      const { numbers } = await recorder.hits();
      expect(new Set(numbers).size).toBe(numbers.length);
      expect(report.books).toMatchObject({ planned: (ratePerSecond * durationMs) / 1000, balanced: true });
      expect(
        report.nodes
          .filter(({ node }) => node === victim)
          .map(({ state }) => state)
          .sort(),
      ).toEqual(['finished', 'lost']);
      expect(report.stripeChanges).toHaveLength(2);
      // Lost is what nothing is known of: some of it did reach the target before the node died.
      expect(numbers.length).toBeGreaterThanOrEqual(report.books.planned! - report.books.lost - report.books.notFired);
      expect(numbers.length).toBeLessThanOrEqual(report.books.planned! - report.books.notFired);
    } catch (error) {
      throw new Error(`${String(error)}\n${cluster.processes.lastWords()}`, { cause: error });
    } finally {
      await cluster.stop();
      await recorder.stop();
    }
  },
);
