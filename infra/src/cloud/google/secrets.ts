import { GoogleFailure, type GoogleRest } from './rest.ts';

/** What the scripts do with Secret Manager. Secrets and versions by their full names: "projects/PROJECT/secrets/SECRET/versions/N". */
export interface Secrets {
  /** Whether its newest version can be read. Rejects where there is no such secret. */
  hasVersion(secret: string): Promise<boolean>;
  /** Gives back the name of the new version. */
  addVersion(secret: string, text: string): Promise<string>;
}

/** Secret Manager by its JSON API (cloud.google.com/secret-manager/docs/reference/rest). */
export function secretsOf(rest: GoogleRest): Secrets {
  const api = 'secretManager';
  return {
    async hasVersion(secret) {
      try {
        const { state } = await rest.json<{ readonly state?: string }>({ api, path: `${secret}/versions/latest` });
        return state === 'ENABLED';
      } catch (thrown) {
        if (!(thrown instanceof GoogleFailure) || thrown.status !== 404) throw thrown;
        // Without a version, or without the secret: which of both, the next question says.
        await rest.json({ api, path: secret });
        return false;
      }
    },
    async addVersion(secret, text) {
      const body = { payload: { data: Buffer.from(text).toString('base64') } };
      const { name } = await rest.json<{ readonly name: string }>({
        ...{ api, method: 'POST', path: `${secret}:addVersion`, body },
      });
      return name;
    },
  };
}
