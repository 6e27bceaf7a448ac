import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The gate: each check as its own step, then the tests; the closing line counts every step and every test. */
const all = process.argv.includes('--all');
const unknown = process.argv.slice(2).filter((argument) => argument !== '--all');
if (unknown.length > 0) {
  console.error(`scripts/test: unknown argument ${unknown.join(' ')} (only --all is known)`);
  process.exit(2);
}

const bin = (name: string): string => join('node_modules', '.bin', name);
const checks: readonly (readonly [name: string, ...command: string[]])[] = [
  ['format', bin('prettier'), '--check', '--log-level=warn', '.'],
  ['lint', bin('eslint'), '--max-warnings=0', '.'],
  ['import rules', bin('depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type=err', 'node/src', 'infra'],
  ['types', bin('tsc'), '--noEmit', '-p', 'tsconfig.json'],
];

const tally = { passed: 0, failed: 0, skipped: 0 };
const failedChecks: string[] = [];

// The tests that are not alone mostly wait, so the checks have what they leave of the processor, and none of it when those that
// measure time begin.
const checked = Promise.all(checks.map(([name, ...command]) => check(name, command)));
if (all && (await run([process.execPath, 'test/support/build-tools.ts'])) !== 0) tally.failed++;
await test(['fast', 'processes']);
await checked;
await test(['alone']);

if (tally.skipped > 0) {
  console.log(`NOT CHECKED: ${tally.skipped} tests were skipped; each says why above, or is repeated in CI`);
}
for (const name of failedChecks) console.log(`FAILED ${name}: its words are above`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exit(tally.failed === 0 ? 0 : 1);

async function check(name: string, command: readonly string[]): Promise<void> {
  const started = Date.now();
  const { exitCode, output } = await runQuietly(command);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  // Each check's own words stay together, though they run at the same time.
  process.stdout.write(`${output}${exitCode === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (exitCode !== 0) failedChecks.push(name);
  tally[exitCode === 0 ? 'passed' : 'failed']++;
}

async function test(projects: readonly string[]): Promise<void> {
  const reportDirectory = mkdtempSync(join(tmpdir(), 'tutti-test-'));
  try {
    const reportFile = join(reportDirectory, 'report.json');
    const vitest = [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...projects.map((project) => `--project=${project}`),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
    ];
    const exitCode = await run([process.execPath, ...vitest], { TUTTI_TEST_ALL: all ? '1' : '' });
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      numTotalTests: number;
      numPendingTests: number;
    };
    tally.passed += report.numPassedTests;
    tally.failed += report.numFailedTests;
    tally.skipped += report.numPendingTests;
    // A test file that does not load has no failed test in it, but the runner says so with its exit code.
    if (exitCode !== 0 && report.numFailedTests === 0) tally.failed++;
    if (report.numTotalTests === 0) tally.failed++;
  } finally {
    rmSync(reportDirectory, { recursive: true, force: true });
  }
}

function runQuietly([file, ...args]: readonly string[]): Promise<{
  readonly exitCode: number;
  readonly output: string;
}> {
  return new Promise((resolve, reject) => {
    const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += String(bytes)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

function run(command: readonly string[], environment: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
