import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Settings } from '../../settings/schema.ts';
import { tokenProblem } from '../../settings/token.ts';
import type { Close } from '../close-all.ts';
import { watchFiles } from './watch-files.ts';

/** The token of this node's API, as it stands in the settings or, whatever becomes of it, in API_AUTH_TOKEN_FILE. */
export class OwnToken {
  readonly #file: string | null;
  #token: string | null;

  constructor({ apiAuthToken, apiAuthTokenFile }: Pick<Settings, 'apiAuthToken' | 'apiAuthTokenFile'>) {
    this.#token = apiAuthToken;
    this.#file = apiAuthTokenFile;
  }

  readonly source = (): string | null => this.#token;

  /** Follows the file, if there is one. */
  watch({ clock, log }: { readonly clock: Clock; readonly log: Log }): Close {
    const file = this.#file;
    if (file === null) return () => undefined;
    return watchFiles({
      files: [file],
      // What was read with the settings is read once more, so that no change in between is missed.
      initially: [Buffer.alloc(0)],
      clock,
      take: ([content]) => {
        const token = content!.toString('utf8').trim();
        const problem = tokenProblem(token);
        if (problem !== null)
          throw new TuttiError('SETTINGS_INVALID', `API_AUTH_TOKEN_FILE: what ${file} holds ${problem}`);
        if (token === this.#token) return;
        this.#token = token;
        log.info({}, 'takes the changed token of the API');
      },
      onProblem: ({ message }) => log.error({}, `the token of the API stays as it was: ${message}`),
    });
  }
}
