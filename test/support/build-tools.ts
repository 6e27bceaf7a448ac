import { findChecker } from '../linearizability/check.ts';
import { findConsul } from './consul/find.ts';
import { pinnedDockerCompose } from './docker/compose-program.ts';
import { findFakeGcs } from './gcs/find.ts';
import { goTool } from './go-tool.ts';
import { findPulumi } from './pulumi/find.ts';
import { Unavailable } from './unavailable.ts';

/**
 * Builds what the long tests would build when they need it, before any test runs: a Go compiler takes all cores for minutes, and tests of
 * elections beside it would fail. What cannot be built is left to the test that needs it to say.
 */
const tools: Readonly<Record<string, () => Promise<unknown>>> = {
  'docker compose': pinnedDockerCompose,
  Consul: findConsul,
  'fake-gcs-server': findFakeGcs,
  Pulumi: findPulumi,
  'the linearizability checker': findChecker,
  'the reader of manifests': () => goTool('strict-manifests', 'test/integration/deploy/strict'),
};

for (const [name, find] of Object.entries(tools)) {
  const startedMs = performance.now();
  try {
    await find();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    process.stderr.write(`${error.message}\n`);
  }
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  // From the cache it is there at once.
  if (seconds > 5) process.stdout.write(`built ${name} (${seconds} s)\n`);
}
