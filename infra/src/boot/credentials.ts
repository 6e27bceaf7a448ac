import { BUNDLE_LINK, IMAGE_USER } from './scripts.ts';

/** Where the keys are on the machine, in memory, and where its containers see them. */
export const CREDENTIALS_FOLDER = '/run/tutti/credentials';
export const CREDENTIALS_MOUNT = '/credentials';
const ENVIRONMENT_FILE = '/run/tutti/credentials.env';
/** How soon a node has a new version of its keys or of the token. */
const WATCH_SECS = 300;
const STOP_SECS = 5;

/** Full names of the secrets of a node. */
export interface SecretNames {
  readonly keys: string;
  readonly token: string;
}

/** What `tutti credentials sync` is told, as lines `NAME=value`, for the instance attribute `tutti-credentials`. No secret: names alone. */
export function credentialsSettings({ keys, token }: SecretNames): string {
  return [
    `CREDENTIALS_DIR=${CREDENTIALS_MOUNT}`,
    `CREDENTIALS_KEYS_SECRET=${keys}`,
    `CREDENTIALS_TOKEN_SECRET=${token}`,
    `CREDENTIALS_WATCH_SECS=${WATCH_SECS}`,
    '',
  ].join('\n');
}

/** The settings of a node that name what the sync has written. */
export const keySettings = {
  CLUSTER_TLS_CERT_FILE: `${CREDENTIALS_MOUNT}/current/node.pem`,
  CLUSTER_TLS_KEY_FILE: `${CREDENTIALS_MOUNT}/current/node.key`,
  CLUSTER_TLS_CA_FILE: `${CREDENTIALS_MOUNT}/current/ca.pem`,
  API_AUTH_TOKEN_FILE: `${CREDENTIALS_MOUNT}/current/api-token`,
} as const;

/**
 * The files that bring keys and token to a node and keep them fresh: one container of the node's own image that asks Secret Manager again and
 * again, and a drop-in by which the node waits for the first set. `command` is what `docker run` is given to run tutti, from its own options
 * to the image.
 */
export function credentialsFiles(command: readonly string[], isBundled: boolean): Readonly<Record<string, string>> {
  return {
    ...(isBundled && { '/etc/tutti/await-bundle.sh': awaitBundleScript }),
    '/etc/tutti/credentials.sh': credentialsScript,
    '/etc/tutti/await-credentials.sh': awaitScript,
    '/etc/systemd/system/tutti-credentials.service': credentialsUnit(command, isBundled),
    '/etc/systemd/system/tutti-node.service.d/credentials.conf': nodeDropIn,
  };
}

/** The folder belongs to the container's user alone; /run is in memory, so no key stays on a disk. */
const credentialsScript = `#!/bin/sh
set -eu
umask 077
settings=$(curl --fail --silent --show-error --max-time 10 --retry 10 --retry-connrefused --header 'Metadata-Flavor: Google' \\
  "http://metadata.google.internal/computeMetadata/v1/instance/attributes/tutti-credentials")
mkdir -p ${CREDENTIALS_FOLDER}
chown ${IMAGE_USER} ${CREDENTIALS_FOLDER}
printf '%s\\n' "$settings" >${ENVIRONMENT_FILE}
`;

/** systemd ends it when the node's start takes too long, and begins again. */
const awaitScript = `#!/bin/sh
set -eu
test -e ${CREDENTIALS_FOLDER}/current/node.pem || echo 'waiting for the keys of this node; what keeps them away: journalctl -u tutti-credentials'
until test -e ${CREDENTIALS_FOLDER}/current/node.pem; do
  sleep 1
done
`;

/** The unit of the node fetches it. */
const awaitBundleScript = `#!/bin/sh
set -eu
until test -e ${BUNDLE_LINK}/node/bin/tutti; do
  sleep 1
done
`;

/** Exit code 104 is a wrong setting: starting again would not change it. */
function credentialsUnit(command: readonly string[], isBundled: boolean): string {
  const run = [
    '/usr/bin/docker run --rm --init --name=tutti-credentials --network=host --read-only --tmpfs=/tmp --no-healthcheck',
    `--user=${IMAGE_USER} --cap-drop=ALL --security-opt=no-new-privileges --stop-timeout=${STOP_SECS}`,
    `--env-file=${ENVIRONMENT_FILE} --volume=${CREDENTIALS_FOLDER}:${CREDENTIALS_MOUNT}`,
    ...command,
    'credentials sync',
  ];
  return `[Unit]
Description=keys and token of the node of tutti, kept up to date
Wants=network-online.target
Requires=docker.service
After=network-online.target docker.service

[Service]
ExecStartPre=/bin/sh /etc/tutti/credentials.sh
${isBundled ? 'ExecStartPre=/bin/sh /etc/tutti/await-bundle.sh\n' : ''}# What an end of systemd or Docker left behind.
ExecStartPre=-/usr/bin/docker stop --time=${STOP_SECS} tutti-credentials
ExecStartPre=-/usr/bin/docker rm tutti-credentials
ExecStart=${run.join(' \\\n  ')}
ExecStop=/usr/bin/docker stop --time=${STOP_SECS} tutti-credentials
Restart=always
RestartSec=10
RestartPreventExitStatus=104
TimeoutStartSec=600
TimeoutStopSec=${STOP_SECS + 10}
`;
}

/** Not `After=`: what one unit fetches the other may wait for. */
const nodeDropIn = `[Unit]
Wants=tutti-credentials.service

[Service]
ExecStartPre=/bin/sh /etc/tutti/await-credentials.sh
`;
