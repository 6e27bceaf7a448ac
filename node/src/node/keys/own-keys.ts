import { readFileSync } from 'node:fs';
import type { Clock } from '../../lib/clock.ts';
import { TuttiError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { TlsSource } from '../../transport/peer/options.ts';
import type { Close } from '../close-all.ts';
import { watchExpiry } from './expiry.ts';
import { checkName, type NodeKeys, parseKeys, type TlsFiles } from './tls-files.ts';
import { watchFiles } from './watch-files.ts';

export interface KeyWatch {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly unixMs: () => number;
  readonly log: Log;
}

/** This node's keys for mutual TLS. What stands in the files is taken for the connections that come after; those that stand stay. */
export class OwnKeys {
  readonly #files: TlsFiles;
  #keys: NodeKeys;
  #contents: readonly Buffer[];

  /** Throws SETTINGS_INVALID. */
  constructor(files: TlsFiles) {
    this.#files = files;
    const contents = [readPem('CERT', files.cert), readPem('KEY', files.key), readPem('CA', files.ca)] as const;
    this.#keys = parseKeys(files, contents);
    this.#contents = contents;
  }

  readonly source: TlsSource = () => this.#keys.identity;

  /** Throws SETTINGS_INVALID for keys of another node. */
  checkName(nodeId: string): void {
    checkName(this.#keys, nodeId);
  }

  /** Follows the files, and says what it takes and what it does not. */
  watch({ nodeId, clock, unixMs, log }: KeyWatch): Close {
    const stopLooking = watchFiles({
      files: [this.#files.cert, this.#files.key, this.#files.ca],
      initially: this.#contents,
      clock,
      take: (contents) => {
        const [cert, key, ca] = contents as [Buffer, Buffer, Buffer];
        const keys = parseKeys(this.#files, [cert, key, ca]);
        checkName(keys, nodeId);
        this.#keys = keys;
        this.#contents = contents;
        const about = { expires: new Date(keys.validToMs).toISOString(), authorities: keys.authorities };
        log.info(about, 'takes the changed keys for every new connection to another node');
      },
      onProblem: ({ message }) => log.error({}, `the changed keys are not taken, the earlier ones stay: ${message}`),
    });
    const stopWarning = watchExpiry({ clock, unixMs, log, validToMs: () => this.#keys.validToMs });
    return () => {
      stopLooking();
      stopWarning();
    };
  }
}

function readPem(which: 'CERT' | 'KEY' | 'CA', file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new TuttiError('SETTINGS_INVALID', `CLUSTER_TLS_${which}_FILE: cannot read ${file} (${code})`, {
      cause: error,
    });
  }
}
