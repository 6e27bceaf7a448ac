import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Processes } from '../../../scripts/lib/processes.ts';
import { waitFor } from '../../../scripts/lib/wait-for.ts';
import { freePorts } from '../ports.ts';

/** A busy machine's time for what takes a tenth of a second. */
const startTimeoutMs = 60_000;
const name = 'fake-gcs-server';

/** A fake-gcs-server on loopback with two buckets, `plans` and `results`, in memory: whoever kills it empties it. Stop it, or it stays. */
export class FakeGcsServer {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tutti-gcs-'));
  readonly #processes = new Processes(this.#directory);
  readonly #program: string;
  readonly #port: number;

  private constructor(program: string, port: number) {
    this.#program = program;
    this.#port = port;
  }

  /** `program` is what `findFakeGcs` found. Resolves once the buckets are there. */
  static async start(program: string): Promise<FakeGcsServer> {
    const [port] = await freePorts(1);
    const server = new FakeGcsServer(program, port!);
    try {
      await server.startAgain();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** As GCS_API_ENDPOINT wants it. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** After `kill`: at the same address, with an empty bucket. */
  async startAgain(): Promise<void> {
    const flags = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(this.#port), '-backend', 'memory'];
    this.#processes.start(name, [
      this.#program,
      ...flags,
      '-data',
      join(this.#directory, 'none'),
      '-log-level',
      'warn',
    ]);
    const isUp = (): Promise<boolean> =>
      fetch(`${this.endpoint}/storage/v1/b`).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitFor('fake-gcs-server', startTimeoutMs, isUp, this.#processes.firstDead);
    for (const bucket of ['plans', 'results']) {
      await this.#ask('POST', '/storage/v1/b?project=local', JSON.stringify({ name: bucket }));
    }
  }

  kill(): Promise<void> {
    return this.#processes.kill(name, 'SIGKILL');
  }

  /** As `gcloud storage cp` does. Returns the generation. */
  async upload(object: string, text: string): Promise<string> {
    const path = `/upload/storage/v1/b/plans/o?uploadType=media&name=${encodeURIComponent(object)}`;
    return ((await this.#ask('POST', path, text)) as { readonly generation: string }).generation;
  }

  async delete(object: string): Promise<void> {
    await this.#ask('DELETE', `/storage/v1/b/plans/o/${encodeURIComponent(object)}`);
  }

  /** The content of every object of the bucket `results`, in the order of their names. */
  async results(): Promise<readonly string[]> {
    const path = '/storage/v1/b/results/o';
    const { items = [] } = (await this.#ask('GET', path)) as { readonly items?: readonly { readonly name: string }[] };
    const names = items.map(({ name }) => name).sort();
    return Promise.all(names.map((name) => this.#text(`${path}/${encodeURIComponent(name)}?alt=media`)));
  }

  async stop(): Promise<void> {
    await this.#processes.stopAll();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #ask(method: string, path: string, body?: string): Promise<unknown> {
    const text = await this.#text(path, method, body);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  async #text(path: string, method = 'GET', body?: string): Promise<string> {
    const answer = await fetch(`${this.endpoint}${path}`, { method, ...(body !== undefined && { body }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`fake-gcs-server answered ${method} ${path} with ${answer.status}: ${text}`);
    return text;
  }
}
