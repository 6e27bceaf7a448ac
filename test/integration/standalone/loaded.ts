import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/** Loaded before a command: writes which modules it loads to the file that LOADED_INTO names. A full pipe would end the command. */
registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(process.env.LOADED_INTO!, `loaded ${url}\n`);
    return nextLoad(url, context);
  },
});
