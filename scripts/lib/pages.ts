import { format } from 'prettier';
import { errorCodes } from '../../node/src/lib/errors.ts';
import { exitCodeMeanings } from '../../node/src/lib/exit-codes.ts';
import { notYetSupported } from '../../node/src/settings/not-supported.ts';
import { settings } from '../../node/src/settings/schema.ts';

const formatting = { parser: 'markdown', printWidth: 120, singleQuote: true } as const;

/** docs/settings.md, from the one table of settings. */
export function settingsPage(): Promise<string> {
  const rows = Object.values(settings).map(
    ({ env, flag, isSwitch, shown, help }) =>
      `| \`${env}\` | ${flag === null ? '(none)' : `\`--${flag}\`${isSwitch ? `, \`--no-${flag}\`` : ''}`} | ${shown} | ${help} |`,
  );
  const unsupported = Object.entries(notYetSupported).map(([env, why]) => `| \`${env}\` | ${why} |`);
  return format(
    `# Settings

Made from \`node/src/settings/schema.ts\` by \`npm run docs\`. A flag of \`tutti node\` (the metrics address: of \`tutti run\`) wins over its variable, which wins over the
default; an empty variable counts as not given. An unknown \`CLUSTER_*\` variable stops the node and names the nearest known one.
Secrets have no flag, because other users of a machine can read a process's arguments.

| variable | flag | default | what it is for |
|---|---|---|---|
${rows.join('\n')}

## Not supported

Variables of rust_loadtest's cluster section that have no effect here: one of them that is set stops a node, and says so. Other
names that begin with \`CONSUL_\` or \`GCS_\` are none of tutti's.

| variable | why, and what to use |
|---|---|
${unsupported.join('\n')}
`,
    formatting,
  );
}

/** docs/errors.md, from the tables of error and exit codes. */
export function errorsPage(): Promise<string> {
  const codes = Object.entries(errorCodes).map(
    ([code, { meaning, retryable, fatal }]) =>
      `| \`${code}\` | ${meaning} | ${retryable ? 'yes' : 'no'} | ${fatal ? 'yes' : 'no'} |`,
  );
  const exits = Object.entries(exitCodeMeanings).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return format(
    `# Errors and exit codes

Made from \`node/src/lib\` by \`npm run docs\`.

## Error codes

_Retry_: the same request may succeed later or at another node. _Ends the node_: it cannot go on.

| code | meaning | retry | ends the node |
|---|---|---|---|
${codes.join('\n')}

## Exit codes of \`tutti\`

k6's numbers where it has one. Failed requests are no failure of the tool: they are in the report. \`run\` and \`submit --wait\` end
with what the verdict came to; \`result\` and \`status\` end with 0 once they have shown it.

| code | meaning |
|---|---|
${exits.join('\n')}
`,
    formatting,
  );
}
