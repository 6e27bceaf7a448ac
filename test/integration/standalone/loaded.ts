import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** Loaded before a command: tells on stderr which modules it loads. */
registerHooks({
  load(url, context, nextLoad) {
    writeSync(2, `loaded ${url}\n`);
    return nextLoad(url, context);
  },
});
