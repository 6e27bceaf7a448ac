import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from './support/tutti.ts';

const taken = createServer();
beforeAll(
  () =>
    new Promise<void>((resolve) => {
      // Somebody else's on this machine will do as well.
      taken.once('error', () => resolve());
      taken.listen(18_080, '127.0.0.1', resolve);
    }),
);
afterAll(() => taken.close());

it('scripts/demo names a port in use and what to do, and starts nothing', async () => {
  const ended = await run('scripts/with-node', ['scripts/demo.ts']);
  expect(ended.stderr).toBe(
    'The demo needs 127.0.0.1:18080, which another process uses: stop that first. (A demo that was kept says how at its end.)\n',
  );
  expect(ended.stdout).toBe('');
  expect(ended.code).toBe(1);
});
