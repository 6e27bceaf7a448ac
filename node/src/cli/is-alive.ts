import { get } from 'node:http';
import { pathToFileURL } from 'node:url';

/**
 * The health check of the container image: whether the node of this machine answers, in a cluster or not. A program of its own, and
 * without the settings' schema: it starts every few seconds beside a measurement.
 */
const timeoutMs = 2_500;
const defaultAddress = '127.0.0.1:8080';

/** Where this machine reaches what listens on CLUSTER_HEALTH_ADDR. */
export function ownHealthUrl(healthAddress: string | undefined): string {
  const address = healthAddress === undefined || healthAddress === '' ? defaultAddress : healthAddress;
  return `http://${address.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:')}/health`;
}

// Importing it asks nothing.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const fail = (why: string): void => {
    process.stderr.write(`${why}\n`);
    process.exitCode = 1;
  };
  const request = get(ownHealthUrl(process.env.CLUSTER_HEALTH_ADDR), { timeout: timeoutMs }, (response) => {
    response.resume();
    if (response.statusCode !== 200) fail(`/health answered ${response.statusCode}`);
  });
  request.on('timeout', () => request.destroy(new Error(`/health did not answer within ${timeoutMs} ms`)));
  request.on('error', (error) => fail(error.message));
}
