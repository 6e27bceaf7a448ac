import { registerHooks } from 'node:module';

/** A standalone run in a process of its own, which tells what it loaded and what it listened on. Argument: target port. */
const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    loaded.push(url);
    return nextLoad(url, context);
  },
});
const { runStandalone } = await import('../../../node/src/standalone/run.ts');
const { silentLog } = await import('../../../node/src/lib/log.ts');
const { planFor } = await import('./target.ts');

const metricsPort = 17_410;
const { text, plan } = planFor(Number(process.argv[2]), { seconds: 1 });
let listening = 0;
let metrics: Promise<string> | undefined;
await runStandalone({
  plan,
  planText: text,
  generators: 1,
  hostNames: [],
  metricsAddress: { host: '127.0.0.1', port: metricsPort },
  onProgress: ({ state }) => {
    const servers = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap');
    listening = Math.max(listening, servers.length);
    if (state === 'running') {
      metrics ??= fetch(`http://127.0.0.1:${metricsPort}/metrics`).then((answer) => answer.text());
    }
  },
  signal: new AbortController().signal,
  log: silentLog,
});
process.stdout.write(JSON.stringify({ listening, loaded, metrics: await metrics }));
