import { expect, it } from 'vitest';
import { startApi } from '../../../node/src/api/server.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { fakeBackend } from './fake-backend.ts';

it('a change is told when the client that asked for it goes away, and not when it is answered', async () => {
  const asked = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<AbortSignal>()];
  const answer = Promise.withResolvers<{ runId: string }>();
  let requests = 0;
  const stop = (_request: object, asker?: AbortSignal): Promise<{ runId: string }> => {
    asked[requests]!.resolve(asker!);
    return requests++ === 0 ? new Promise(() => undefined) : answer.promise;
  };
  const where = { host: '127.0.0.1', port: 0, token: () => null, ownNames: new Set(['localhost']), log: silentLog };
  const server = await startApi({ backend: fakeBackend({ runs: { stop } }), ...where });
  try {
    const post = (signal?: AbortSignal): Promise<Response> =>
      fetch(`http://127.0.0.1:${server.address.port}/stop`, { method: 'POST', signal: signal ?? null });
    const client = new AbortController();
    const left = post(client.signal).catch((error: unknown) => error);
    const first = await asked[0]!.promise;
    expect(first.aborted).toBe(false);
    const gone = new Promise((resolve) => first.addEventListener('abort', resolve));
    client.abort();
    await Promise.all([left, gone]);
    const answered = post();
    const second = await asked[1]!.promise;
    answer.resolve({ runId: 'run-1' });
    expect((await answered).status).toBe(200);
    expect(second.aborted).toBe(false);
  } finally {
    await server.close();
  }
});
