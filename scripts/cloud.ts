import { main } from '../infra/src/cloud/main.ts';

/** `scripts/cloud`: the commands are in infra/src/cloud/commands. */
await main(process.argv.slice(2));
