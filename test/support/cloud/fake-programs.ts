import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const gcloud = fileURLToPath(new URL('./fake-gcloud.ts', import.meta.url));

/** A program on the PATH, that is a line of shell. */
function put(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/**
 * A `gcloud` that knows `--version` and `compute ssh ... -L`, and forwards the port to where `urls` says that the machine's API is. With `lastWords` it
 * says them and fails instead.
 */
export function putGcloud(folder: string, urls: Readonly<Record<string, string>>, lastWords = ''): void {
  const environment = `FAKE_GCLOUD_URLS='${JSON.stringify(urls)}' FAKE_GCLOUD_LAST_WORDS='${lastWords}'`;
  // Not by exec: gcloud, too, is a shell that starts others.
  put(folder, 'gcloud', `${environment} ${process.execPath} ${gcloud} "$@"\nexit $?`);
}

/** As `putGcloud`, but the first way fails with these words. */
export function putGcloudThatFailsOnce(folder: string, urls: Readonly<Record<string, string>>, words: string): void {
  const working = join(folder, 'working');
  putGcloud(working, urls);
  put(
    folder,
    'gcloud',
    `[ -e '${folder}/failed' ] && exec '${working}/gcloud' "$@"\ntouch '${folder}/failed'\necho '${words}' >&2\nexit 255`,
  );
}

/** A `pulumi` that has one stack, `dev`, with these outputs and this configuration, and does nothing. It writes down what it was asked. */
export function putPulumi(
  folder: string,
  { outputs, config, asked }: { readonly outputs: object; readonly config: object; readonly asked: string },
): void {
  writeFileSync(join(folder, 'outputs.json'), JSON.stringify(outputs));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  put(
    folder,
    'pulumi',
    `echo "$*" >>'${asked}'
case "$*" in
  version*) echo v3.250.0 ;;
  *"stack output"*) cat '${folder}/outputs.json' ;;
  config*) cat '${folder}/config.json' ;;
  *"stack select"*"--stack dev"* | *"stack select dev"*) ;;
  *"stack select"*) echo "error: no stack named 'other' found" >&2; exit 255 ;;
  *"stack ls"*) echo '[{"name":"dev","current":true,"updateInProgress":false}]' ;;
  *) echo "this pulumi knows no $*" >&2; exit 1 ;;
esac`,
  );
}

/** That folder first. */
export const pathWith = (folder: string): string => [folder, process.env.PATH ?? ''].join(delimiter);
