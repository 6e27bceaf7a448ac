// The rehearsal itself, within the namespaces that outside.ts has made. Prints a line for each thing that was as it should be.
import { parseArgs } from 'node:util';
import { rehearse } from './rehearsal.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { pulumi: text, 'language-host': text, 'fake-gcs': text }, strict: true });

// The one outside holds the other end: when it ends, however it does, this ends, and with this first process of its namespace all others.
process.stdin.on('close', () => process.exit(1)).resume();
const interrupted = new AbortController();
process.on('SIGTERM', () => interrupted.abort(new Error('interrupted')));
const pulumi = { cli: values.pulumi!, languageHost: values['language-host']! };
await rehearse(
  { pulumi, fakeGcs: values['fake-gcs']! },
  (line) => process.stdout.write(`${line}\n`),
  interrupted.signal,
);
process.exit(0);
