import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
  ['import rules', bin('depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type=err', 'node/src'],
  ['types', bin('tsc'), '--noEmit', '-p', 'tsconfig.json'],
];

let passed = 0;
let failed = 0;
for (const [name, ...command] of checks) {
  const started = Date.now();
  const ok = (await run(command)) === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (ok) passed++;
  else failed++;
}

const reportDirectory = mkdtempSync(join(tmpdir(), 'tutti-test-'));
try {
  const reportFile = join(reportDirectory, 'report.json');
  const vitest = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
  ];
  const exitCode = await run([process.execPath, ...vitest], { TUTTI_TEST_ALL: all ? '1' : '' });
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numTotalTests: number;
  };
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A test file that does not load has no failed test in it, but the runner says so with its exit code.
  if (exitCode !== 0 && report.numFailedTests === 0) failed++;
  if (report.numTotalTests === 0) failed++;
} finally {
  rmSync(reportDirectory, { recursive: true, force: true });
}

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

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
