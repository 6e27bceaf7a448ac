import { TuttiError } from '../lib/errors.ts';
import { exitCodes } from '../lib/exit-codes.ts';
import { createLog } from '../lib/logger.ts';
import type { Settings } from '../settings/schema.ts';
import { startNode } from './start.ts';

/** `tutti node`: runs until SIGINT or SIGTERM (then closes in order, exit code 0), or until the node cannot go on (1). */
export async function runNode(settings: Settings): Promise<void> {
  const about = { fields: (): object => ({}) };
  const log = createLog({ level: settings.logLevel, format: settings.logFormat, fields: () => about.fields() });
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const stopping = new AbortController();
  const onSignal = (signal: string): void => {
    log.info({ signal }, 'stopping');
    stopping.abort();
    end(exitCodes.ok);
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const onFatal = (thrown: unknown): void => {
    const error = TuttiError.from(thrown);
    log.error(
      { code: error.code, stack: error.code === 'INTERNAL' ? error.stack : undefined },
      `this node cannot go on: ${error.message}`,
    );
    // Of CLUSTER_ON_CONFIG_ERROR=exit: like a plan that is wrong at the start.
    end(error.code === 'PLAN_INVALID' ? exitCodes.invalidInput : exitCodes.unexpected);
  };
  const identify = (fields: () => object): void => void (about.fields = fields);
  const node = await startNode(settings, { log, onFatal, identify, stopped: stopping.signal }).catch(
    (thrown: unknown) => {
      // It gave up looking for its cluster because it was told to: nothing has failed.
      if (stopping.signal.aborted && TuttiError.from(thrown).code === 'SHUTTING_DOWN') return null;
      throw thrown;
    },
  );
  if (node === null) {
    log.info({}, 'node is down');
    process.exit(exitCodes.ok);
  }
  if (settings.insecure)
    log.warn({}, 'CLUSTER_INSECURE=true: whoever reaches these ports can make this cluster send load');
  log.info({ api: `http://${node.apiAddress}`, data: settings.dataDirectory }, 'node is up');
  const exitCode = await ended;
  await node.close();
  log.info({}, 'node is down');
  process.exit(exitCode);
}
