import { createServer } from 'node:net';

const FIRST_PORT = 20_000;
/** As many for each worker are below where the system takes ports of its own from (32768). */
const PORTS = 4_000;
const WORKERS = 3;
const firstPort = FIRST_PORT + (Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS) * PORTS;
/** Another beginning for each process, so that two runs of the suite on one machine do not meet. */
let nextPort = (process.pid * 101) % PORTS;

/** A port of this worker's range; each test takes new ones, so that a lingering connection of another does not matter. */
export function takePort(): number {
  nextPort = (nextPort + 1) % PORTS;
  return firstPort + nextPort;
}

/** Ports of this worker's range that nobody listens on now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === PORTS) throw new Error(`fewer than ${count} free ports from ${firstPort} on`);
    const port = takePort();
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** One free port for each of these nodes. */
export async function portsOf(...ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const ports = await freePorts(ids.length);
  return new Map(ids.map((id, at) => [id, ports[at]!]));
}

/** CLUSTER_NODES of these nodes, each at a free port. */
export async function freeNodes(...ids: readonly string[]): Promise<string> {
  return [...(await portsOf(...ids))].map(([id, port]) => `${id}=127.0.0.1:${port}`).join(',');
}

/** The first of so many ports of this worker's range, one after the other, that nobody listens on now. */
export async function freePortRange(count: number): Promise<number> {
  for (let tries = 0; tries < PORTS; tries += 1) {
    const first = takePort();
    const range = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(range.map(isFree))).every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row from ${firstPort} on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
