// What one request costs: one tutti generator beside wrk, oha, undici and autocannon, each on one core, against nginx on the
// other, in interleaved rounds. Prints JSON. `node test/bench/http-engine.ts [rounds] [seconds]`; Linux, two cores or more.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 3);
const connections = 50;
const port = 17_310;
const url = `http://127.0.0.1:${port}/`;
const serverCore = '0';
const clientCore = '1';

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuUsPerRequest: number;
}
interface Peer {
  readonly name: string;
  readonly measure: () => Promise<Sample>;
}

const onClientCore = (command: readonly string[]): string[] => ['-c', clientCore, ...command];

/** A client of ours, which counts its own processor time from behind its warming up. */
function nodeClient(name: string): Peer {
  const script = join(import.meta.dirname, 'http-engine-client.ts');
  const command = [process.execPath, script, name, url, String(connections), String(seconds)];
  return {
    name,
    async measure() {
      const { stdout } = await run('taskset', onClientCore(command));
      const seen = JSON.parse(stdout) as { requests: number; seconds: number; cpuUs: number };
      return { requestsPerSecond: seen.requests / seen.seconds, cpuUsPerRequest: seen.cpuUs / seen.requests };
    },
  };
}

/** A foreign program; the shell's `time` tells its processor time, whose start is negligible in a compiled program. */
function program(name: string, command: readonly string[], requestsOf: (output: string) => number): Peer {
  return {
    name,
    async measure() {
      const script = `TIMEFORMAT='cpu %U %S'; time taskset ${onClientCore(command).join(' ')}`;
      const { stdout, stderr } = await run('bash', ['-c', script]);
      const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(stderr)!;
      const requests = requestsOf(stdout);
      return {
        requestsPerSecond: requests / seconds,
        cpuUsPerRequest: ((Number(user) + Number(system)) * 1e6) / requests,
      };
    },
  };
}

/** The first of the candidates that runs; null when none does. */
async function find(...candidates: readonly string[]): Promise<string | null> {
  for (const candidate of candidates) {
    const { stdout } = await run('bash', ['-c', `command -v ${candidate} || true`]);
    if (stdout.trim() !== '') return stdout.trim();
  }
  return null;
}

async function startNginx(binary: string, folder: string): Promise<ChildProcess> {
  const config = `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location / { return 200 "${'x'.repeat(65)}"; } } }`;
  await writeFile(join(folder, 'nginx.conf'), config);
  const nginx = spawn('taskset', ['-c', serverCore, binary, '-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: 'inherit',
  });
  for (let attempt = 0; attempt < 50; attempt++) {
    const answered = await new Promise<boolean>((resolve) => {
      get(url, (response) => response.resume().on('end', () => resolve(true))).on('error', () =>
        setTimeout(() => resolve(false), 100),
      );
    });
    if (answered) return nginx;
  }
  throw new Error('nginx did not answer within 5 seconds');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function main(): Promise<void> {
  const nginxBinary = await find('nginx', '/usr/sbin/nginx');
  if (nginxBinary === null) throw new Error('nginx is missing: apt-get install nginx');
  const missing: Record<string, string> = {};
  const peers: Peer[] = [nodeClient('tutti'), nodeClient('undici'), nodeClient('autocannon')];
  const wrk = await find('wrk');
  if (wrk === null) missing['wrk'] = 'apt-get install wrk';
  else {
    const command = [wrk, '-t1', `-c${connections}`, `-d${seconds}s`, url];
    peers.push(program('wrk', command, (output) => Number(/(\d+) requests in/.exec(output)![1])));
  }
  const oha = await find('oha', join(homedir(), '.cache/tutti/tools/oha-1.15.0/bin/oha'));
  if (oha === null)
    missing['oha'] = 'cargo install oha --version 1.15.0 --locked --root ~/.cache/tutti/tools/oha-1.15.0';
  else {
    const command = [oha, '--no-tui', '--output-format', 'json', '-c', String(connections), '-z', `${seconds}s`, url];
    peers.push(
      program('oha', command, (output) => {
        const seen = JSON.parse(output) as { statusCodeDistribution: Record<string, number> };
        return seen.statusCodeDistribution['200']!;
      }),
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'tutti-bench-'));
  const nginx = await startNginx(nginxBinary, folder);
  try {
    const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const { name, measure } of peers) samples.get(name)!.push(await measure());
    }
    const clients = [...samples].map(([name, seen]) => ({
      name,
      requestsPerSecond: Math.round(median(seen.map((sample) => sample.requestsPerSecond))),
      cpuUsPerRequest: Number(median(seen.map((sample) => sample.cpuUsPerRequest)).toFixed(2)),
      rounds: seen.map((sample) => [Math.round(sample.requestsPerSecond), Number(sample.cpuUsPerRequest.toFixed(2))]),
    }));
    console.log(JSON.stringify({ node: process.version, connections, rounds, seconds, clients, missing }, null, 2));
  } finally {
    nginx.kill('SIGQUIT');
    await once(nginx, 'exit');
    await rm(folder, { recursive: true });
  }
}

await main();
