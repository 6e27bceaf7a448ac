import { CloudFailure } from '../failure.ts';
import type { Authorize } from './rest.ts';

const scope = 'https://www.googleapis.com/auth/cloud-platform';

/** Application Default Credentials of whoever calls the script; the library keeps and renews the token. Loaded when first asked for. */
export function applicationDefault(): Authorize {
  let auth: Promise<{ getRequestHeaders(): Promise<Headers> }> | null = null;
  // Left to find a project, the library would run `gcloud` in a shell (ADR 110); no request of ours wants one.
  const open = async (): Promise<{ getRequestHeaders(): Promise<Headers> }> => {
    const { GoogleAuth } = await import('google-auth-library');
    return new GoogleAuth({ scopes: [scope], projectId: 'not-asked-for' });
  };
  return async () => {
    try {
      auth ??= open();
      return await (await auth).getRequestHeaders();
    } catch (thrown) {
      auth = null;
      const { message } = thrown as Error;
      throw new CloudFailure(`no Google login: ${message}; log in: gcloud auth application-default login`, 1, {
        cause: thrown,
      });
    }
  };
}
