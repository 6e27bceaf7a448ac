import { expect, it } from 'vitest';
import { renderMetrics } from '../../../node/src/metrics/render.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import { input, node } from '../results/sample.ts';

it('the time for which users were held back is a counter in seconds, over all nodes', async () => {
  const nodes = [node('a', { heldUserMs: 1_500 }), node('b', { heldUserMs: 250 })];
  const { text } = await renderMetrics(buildReport(input({ planned: null, users: 5, nodes })), null);
  expect(text).toContain('# HELP tutti_users_held_seconds_total Time for which users were held back');
  expect(text).toContain('# TYPE tutti_users_held_seconds_total counter');
  expect(text).toMatch(/^tutti_users_held_seconds_total\{run_id="r-1",tenant=""\} 1\.75$/m);
});
