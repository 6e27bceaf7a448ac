import { TuttiError } from '../../lib/errors.ts';

/** What is awaited, or, once the node is to end, a rejection with SHUTTING_DOWN. */
export function unlessStopped<Value>(awaited: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(new TuttiError('SHUTTING_DOWN', 'this node was stopped before it had a cluster'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  return Promise.race([awaited, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
