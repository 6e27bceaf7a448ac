import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWalStore } from '../../node/src/storage/wal/wal-store.ts';
import type { LogStore } from '../../node/src/storage/log-store.ts';

/**
 * Durable appends of 256 bytes: `node test/bench/wal.ts [directory]`, about 5 seconds, JSON on standard output. The
 * directory decides what is measured: a tmpfs syncs nothing.
 */
const ENTRY_BYTES = 256;
const WARM_UP_MS = 200;
const MEASURED_MS = 1_500;

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'wal-bench-'));
const store = createWalStore({ directory, nodeId: 'bench', incarnation: 'bench' });
let index = 0;

async function run(writers: number): Promise<Record<string, number>> {
  const latenciesUs: number[] = [];
  const begin = performance.now() + WARM_UP_MS;
  const end = begin + MEASURED_MS;
  await Promise.all(Array.from({ length: writers }, () => write(store, begin, end, latenciesUs)));
  latenciesUs.sort((a, b) => a - b);
  const quantile = (q: number): number => Math.round(latenciesUs[Math.floor(q * latenciesUs.length)] ?? 0);
  return {
    writers,
    appendsPerSecond: Math.round(latenciesUs.length / (MEASURED_MS / 1_000)),
    latencyUsP50: quantile(0.5),
    latencyUsP99: quantile(0.99),
    latencyUsMax: Math.round(latenciesUs.at(-1) ?? 0),
  };
}

async function write(log: LogStore, begin: number, end: number, latenciesUs: number[]): Promise<void> {
  const data = new Uint8Array(ENTRY_BYTES).fill(0x61);
  for (;;) {
    const start = performance.now();
    if (start >= end) return;
    index += 1;
    const entries = [{ index, term: 1, kind: 'command' as const, data }];
    await log.append({ ticket: index, hardState: null, truncateFrom: null, base: null, entries });
    if (start >= begin) latenciesUs.push((performance.now() - start) * 1_000);
  }
}

try {
  const openStart = performance.now();
  await store.open();
  const openMs = Math.round(performance.now() - openStart);
  const runs = [];
  for (const writers of [1, 64]) runs.push(await run(writers));
  await store.close();
  const reader = createWalStore({ directory, nodeId: 'bench', incarnation: 'bench' });
  const recoverStart = performance.now();
  const recovered = (await reader.open()).entries.length;
  const recoverMs = Math.round(performance.now() - recoverStart);
  await reader.close();
  console.log(
    JSON.stringify({ entryBytes: ENTRY_BYTES, openMs, runs, recovered, appended: index, recoverMs }, null, 2),
  );
} finally {
  rmSync(directory, { recursive: true });
}
