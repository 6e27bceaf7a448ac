const FOLDER = '/etc/tutti/docker';

/**
 * The files by which Docker, for the units that pull the node's image, asks Container-Optimized OS's own helper for a token of the
 * machine's account (cloud.google.com/container-optimized-os/docs/how-to/run-container-instance).
 */
export function registryFiles(host: string, units: readonly string[]): Readonly<Record<string, string>> {
  const dropIn = `[Service]\nEnvironment=DOCKER_CONFIG=${FOLDER}\n`;
  const dropIns = units.map((unit) => [`/etc/systemd/system/${unit}.d/registry.conf`, dropIn]);
  const config = `${JSON.stringify({ credHelpers: { [host]: 'gcr' } })}\n`;
  return { [`${FOLDER}/config.json`]: config, ...(Object.fromEntries(dropIns) as Record<string, string>) };
}
