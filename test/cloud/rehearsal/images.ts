import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { NODE_IMAGE } from '../../../infra/src/boot/node-image.ts';
import type { Image } from '../machine/images.ts';

/** The reference under which the rehearsal has the image of our Dockerfile, as a registry would. */
export const OWN_IMAGE = `ghcr.io/me/tutti@sha256:${'0'.repeat(64)}`;

const AUTHORITY = '/etc/ssl/rehearsal.pem';
/** Google's certificate is one of the rehearsal's own authority, which Node.js believes only when it is told. */
const believing = {
  env: { NODE_EXTRA_CA_CERTS: AUTHORITY },
  files: { [AUTHORITY]: '/etc/ssl/certs/ca-certificates.crt' },
};

/** What an instance of the rehearsal can pull. */
export function knownImages(dockerfile: string): Readonly<Record<string, Image>> {
  return { [OWN_IMAGE]: ownImage(readFileSync(dockerfile, 'utf8')), [NODE_IMAGE]: nodeImage };
}

/** Within the checkout, wherever that is: what is compiled is found by its place beside this. */
const COMPILED = 'node_modules/.cache/tutti-rehearsal';
const compiling = { NODE_COMPILE_CACHE_PORTABLE: '1' };

/** Compiles what a node runs, as the Dockerfile has the build of the image do it; so a start in a container is as fast as there. */
export async function compileOnce(checkout: string): Promise<void> {
  const parts = ['cli/main', 'cli/submit', 'node/run', 'generator/process'].map(
    (part) => `${checkout}/node/src/${part}.ts`,
  );
  const program = `for (const part of ${JSON.stringify(parts.slice(1))}) await import(part)`;
  const env = { ...process.env, ...compiling, NODE_COMPILE_CACHE: `${checkout}/${COMPILED}` };
  await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program],
    { env },
  );
  await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', parts[0]!, '--version'], {
    env,
  });
}

/** Docker's official image of Node.js, as its Dockerfile has it: the entry point only hands on what is a program. */
const nodeImage: Image = {
  env: { ...believing.env },
  entrypoint: [],
  command: ['node'],
  user: '0:0',
  workdir: '/',
  files: believing.files,
};

/** What the last stage of the Dockerfile says; in its place is the checkout itself. */
function ownImage(dockerfile: string): Image {
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')).replaceAll(/\\\n/g, ' ');
  const one = (instruction: string): string => {
    const found = new RegExp(`^${instruction} (.*)$`, 'm').exec(stage);
    if (found === null) throw new Error(`the Dockerfile has no ${instruction}`);
    return found[1]!.trim();
  };
  const env = Object.fromEntries(
    one('ENV')
      .split(/\s+/)
      .map((pair) => pair.split('=') as [string, string]),
  );
  return {
    env: { ...env, ...believing.env, ...compiling, NODE_COMPILE_CACHE: `/app/${COMPILED}` },
    entrypoint: JSON.parse(one('ENTRYPOINT')) as readonly string[],
    command: JSON.parse(one('CMD')) as readonly string[],
    user: one('USER'),
    workdir: one('WORKDIR'),
    files: { '/app': '/.checkout', ...believing.files },
  };
}
