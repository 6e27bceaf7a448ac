import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyAndCertificate, makeAuthority } from './certificates.ts';

/** Whoever exchanges one authority for another takes these steps, and lets all nodes take their keys after each. */
export const authoritySteps = ['add', 'switch', 'drop'] as const;
export type AuthorityStep = (typeof authoritySteps)[number];

const AUTHORITY_DAYS = 3650;

/** What signs, and what every node trusts. */
export interface Authorities {
  readonly signing: KeyAndCertificate;
  /** PEM texts, one behind the other. */
  readonly trusted: string;
}

/**
 * The authorities of a stack, in a folder of the operator's machine that nobody else may read: the one that signs, one that is only
 * trusted yet, and one that is trusted still, each with its key. The first use makes the first. Throws for a step that does not follow
 * on what is there.
 */
export function openAuthorities(folder: string, name: string, step: AuthorityStep | null): Authorities {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [own, next, previous] = ['authority.pem', 'next.pem', 'previous.pem'].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  // A switch that was interrupted half-way.
  if (!existsSync(own) && existsSync(next)) renameSync(next, own);
  if (!existsSync(own)) {
    if (step !== null)
      throw new Error(`${folder} holds no authority yet, so there is none to exchange: leave out --authority`);
    save(own, makeAuthority(name, AUTHORITY_DAYS));
  }
  const problem = step === null ? null : problemOf(step, existsSync(next), existsSync(previous));
  if (problem !== null) throw new Error(`--authority ${step!}: ${problem}`);
  if (step === 'add') save(next, makeAuthority(name, AUTHORITY_DAYS));
  if (step === 'switch') {
    renameSync(own, previous);
    renameSync(next, own);
  }
  if (step === 'drop') rmSync(previous);
  const all = [own, next, previous].filter((file) => existsSync(file)).map(read);
  return { signing: all[0]!, trusted: all.map(({ certificate }) => certificate).join('') };
}

function problemOf(step: AuthorityStep, hasNext: boolean, hasPrevious: boolean): string | null {
  switch (step) {
    case 'add':
      if (hasNext) return 'one was added already; once all nodes have taken it: --authority switch';
      return hasPrevious ? 'the one before is trusted still; first: --authority drop' : null;
    case 'switch':
      return hasNext ? null : 'there is none to switch to; first: --authority add';
    case 'drop':
      return hasPrevious ? null : 'there is none to drop; first: --authority add, then --authority switch';
  }
}

/** Key and certificate in one file, so that neither can be there without the other. */
function save(file: string, { key, certificate }: KeyAndCertificate): void {
  writeFileSync(`${file}.new`, key + certificate, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function read(file: string): KeyAndCertificate {
  const [key, certificate] =
    readFileSync(file, 'utf8').match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----\n?/g) ?? [];
  if (key === undefined || certificate === undefined) throw new Error(`${file} does not hold a key and a certificate`);
  return { key, certificate };
}
