/** The buckets of the rehearsal, as their owner sees them: a fake-gcs-server, without the rights that GoogleApis asks for. */
export class BucketStore {
  readonly endpoint: string;

  constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  async make(bucket: string): Promise<void> {
    await this.#ask(
      'POST',
      '/storage/v1/b?project=rehearsal',
      JSON.stringify({ name: bucket, versioning: { enabled: true } }),
    );
  }

  async delete(bucket: string): Promise<void> {
    for (const name of await this.list(bucket)) await this.deleteObject(bucket, name);
    await this.#ask('DELETE', `/storage/v1/b/${bucket}`);
  }

  /** As `gcloud storage cp` does. */
  async upload(bucket: string, name: string, content: Buffer | string): Promise<void> {
    await this.#ask(
      'POST',
      `/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`,
      content,
    );
  }

  async deleteObject(bucket: string, name: string): Promise<void> {
    await this.#ask('DELETE', `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
  }

  async list(bucket: string): Promise<readonly string[]> {
    const { items = [] } = JSON.parse(await this.#ask('GET', `/storage/v1/b/${bucket}/o`)) as {
      readonly items?: readonly { readonly name: string }[];
    };
    return items.map(({ name }) => name).sort();
  }

  read(bucket: string, name: string): Promise<string> {
    return this.#ask('GET', `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`);
  }

  async #ask(method: string, path: string, body?: Buffer | string): Promise<string> {
    const answer = await fetch(`${this.endpoint}${path}`, {
      method,
      ...(body !== undefined && { body: new Uint8Array(Buffer.from(body)) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text;
  }
}
