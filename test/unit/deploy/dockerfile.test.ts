import { readFileSync } from 'node:fs';
import { DockerfileParser, type From, type JSONInstruction } from 'dockerfile-ast';
import { validate, ValidationSeverity } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';

/** What the validator of the language has to say, with its opinions as errors; then what it has no opinion on. */
function problemsOf(text: string): readonly string[] {
  const error = ValidationSeverity.ERROR;
  const found = validate(text, {
    deprecatedMaintainer: error,
    directiveCasing: error,
    emptyContinuationLine: error,
    instructionCasing: error,
    instructionCmdMultiple: error,
    instructionEntrypointMultiple: error,
    instructionHealthcheckMultiple: error,
    instructionJSONInSingleQuotes: error,
    instructionWorkdirRelative: error,
  }).map(
    ({ message, range }) => `line ${range.start.line + 1}: ${typeof message === 'string' ? message : message.value}`,
  );
  return [...found, ...ownRules(text)];
}

function ownRules(text: string): readonly string[] {
  const file = DockerfileParser.parse(text);
  const problems: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) problems.push(what);
  };
  const all = (keyword: string): readonly string[] =>
    file
      .getInstructions()
      .filter((instruction) => instruction.getKeyword() === keyword)
      .map((instruction) => instruction.getArgumentsContent() ?? '');
  const defaults = new Map(
    file.getInitialARGs().map((arg) => [arg.getProperty()?.getName(), arg.getProperty()?.getValue()]),
  );
  for (const from of file.getFROMs() as readonly From[]) {
    const image = (from.getImage() ?? '').replace(/\$\{(\w+)\}/g, (_whole, name: string) => defaults.get(name) ?? '');
    must(from.getImage()?.startsWith('${') ?? false, `${image}: a base image can be named by a build argument`);
    must(/:[^:/@]*\d[^:/@]*$|@sha256:/.test(image), `${image}: a base image has a version`);
  }
  must(all('ADD').length === 0, 'COPY, not ADD: nothing is fetched or unpacked unseen');
  must(!all('COPY').some((copied) => /^(\.|\*)/.test(copied)), 'what is copied is named');
  must(/^[1-9]\d*(:|$)/.test(all('USER').at(-1) ?? ''), 'the last USER is not root, and a number');
  must(
    !all('RUN').some((command) => /npm (install|i) |curl |wget |apt-get |sudo /.test(command)),
    'nothing unpinned is installed',
  );
  must(all('HEALTHCHECK').length === 1, 'a HEALTHCHECK');
  for (const keyword of ['ENTRYPOINT', 'CMD']) {
    const last = file
      .getInstructions()
      .filter((instruction) => instruction.getKeyword() === keyword)
      .at(-1);
    // A shell in between would get the signals.
    const isExecForm = ((last as JSONInstruction | undefined)?.getJSONStrings().length ?? 0) > 0;
    must(isExecForm, `${keyword} in its exec form`);
  }
  return problems;
}

const dockerfile = readFileSync('Dockerfile', 'utf8');

describe('the Dockerfile', () => {
  it('has nothing that the lint finds', () => {
    expect(problemsOf(dockerfile)).toEqual([]);
  });

  it.each([
    ['a word that is no instruction', 'EXPOSE 7000 8080', 'EXPOSES 7000'],
    ['a second CMD', 'CMD ["node"]', 'CMD ["node"]\nCMD ["node"]'],
    ['the newest base image, whichever that is', 'node:24.21.0-bookworm-slim', 'node:latest'],
    ['a base image that cannot be chosen', 'FROM ${NODE_IMAGE}\n', 'FROM node:24.21.0\n'],
    ['root', 'USER 1000:1000', 'USER root'],
    ['a name of a user, in which Kubernetes cannot see that it is not root', 'USER 1000:1000', 'USER node'],
    ['an installation past the lockfile', 'npm ci', 'npm install '],
    ['a shell before the program', 'ENTRYPOINT ["tutti"]', 'ENTRYPOINT tutti'],
    ['all that lies there', 'COPY proto proto', 'COPY . .'],
  ])('the lint finds %s', (_what, before, after) => {
    expect(dockerfile).toContain(before);
    expect(problemsOf(dockerfile.replace(before, after))).not.toEqual([]);
  });
});

it('the builder is given only what the Dockerfile copies', () => {
  const [first, ...rest] = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  expect(rest.filter((line) => !line.startsWith('!'))).toEqual([]);
});
