import type { FakeGoogle } from './fake-google.ts';

/** A Secret Manager in a `FakeGoogle`: each secret by its full name, with its versions from the first. What is not there is a 404. */
export class FakeSecrets {
  readonly versions = new Map<string, readonly string[]>();
  /** Of secrets that nobody may read. */
  readonly forbidden = new Set<string>();

  constructor(google: FakeGoogle) {
    google.onAsked = (asked) => {
      const { method, path } = asked;
      const [, name = ''] = /^\/v1\/(projects\/[^/]+\/secrets\/[^/]+)\/versions\/latest:access$/.exec(path) ?? [];
      const texts = this.versions.get(name) ?? [];
      const fail = (status: number, message: string): void =>
        asked.answer(status, JSON.stringify({ error: { message } }));
      if (method !== 'GET' || name === '') return fail(400, `the fake knows no ${method} ${path}`);
      if (this.forbidden.has(name)) return fail(403, "Permission 'secretmanager.versions.access' denied");
      if (texts.length === 0) return fail(404, `Secret Version [${name}/versions/latest] not found`);
      const data = Buffer.from(texts.at(-1)!).toString('base64');
      return asked.answer(200, JSON.stringify({ name: `${name}/versions/${texts.length}`, payload: { data } }));
    };
  }

  add(name: string, text: string): void {
    this.versions.set(name, [...(this.versions.get(name) ?? []), text]);
  }
}
