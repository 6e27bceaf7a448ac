import { stringify } from 'yaml';
import { CREDENTIALS_FOLDER, CREDENTIALS_MOUNT, credentialsFiles } from './credentials.ts';
import { registryFiles } from './registry.ts';
import { BUNDLE_LINK, bundleScript, DATA_MOUNT, firewallScript, mountScript, settingsScript } from './scripts.ts';

export interface CloudInitInput {
  /** By digest: host/path@sha256:... */
  readonly image: string;
  /** Whether the image is Node.js alone, and the node comes as a bundle; else the image has it. */
  readonly isBundled: boolean;
  /** The host of Artifact Registry that the image is pulled from with the machine's account; null unless given: anybody may pull it. */
  readonly registryHost?: string | null;
  /** Whether the nodes have keys and a token, which Secret Manager keeps. */
  readonly hasCredentials: boolean;
}

/** A node that is told to stop hands over and hands in first (docs/docker.md): seconds; systemd waits longer than Docker. */
const STOP_SECS = 30;

/**
 * The `user-data` of every node of a stack, for Container-Optimized OS: the same text on all, what differs is in instance
 * attributes. It is carried out at every boot, because /etc does not outlive one; so whatever it does is done again
 * without harm, and nothing in it removes or formats what is there. The scripts are run by name of their shell: /etc may be
 * mounted noexec.
 */
export function cloudInit({ image, isBundled, registryHost = null, hasCredentials }: CloudInitInput): string {
  const pulling = ['tutti-node.service', ...(hasCredentials ? ['tutti-credentials.service'] : [])];
  const files = {
    '/etc/tutti/mount.sh': mountScript,
    '/etc/tutti/firewall.sh': firewallScript,
    '/etc/tutti/settings.sh': settingsScript,
    ...(isBundled && { '/etc/tutti/bundle.sh': bundleScript }),
    '/etc/sysctl.d/60-tutti.conf': sysctls,
    '/etc/systemd/system/tutti-disk.service': onceUnit('the disk of the log of tutti', 'mount'),
    '/etc/systemd/system/tutti-firewall.service': onceUnit('the port between the nodes of tutti', 'firewall'),
    '/etc/systemd/system/tutti-node.service': nodeUnit(image, isBundled, hasCredentials),
    ...(hasCredentials && credentialsFiles(tuttiIn(image, isBundled), isBundled)),
    ...(registryHost !== null && registryFiles(registryHost, pulling)),
  };
  const document = {
    write_files: Object.entries(files).map(([path, content]) => ({
      path,
      owner: 'root:root',
      permissions: '0644',
      content,
    })),
    runcmd: [
      ['sysctl', '-p', '/etc/sysctl.d/60-tutti.conf'],
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'start', '--no-block', 'tutti-node.service'],
    ],
  };
  return `#cloud-config\n${stringify(document, { lineWidth: 0 })}`;
}

/** A generator opens and closes connections by the thousand. */
const sysctls = `net.ipv4.ip_local_port_range = 10240 65535
net.ipv4.tcp_tw_reuse = 1
net.core.somaxconn = 4096
`;

function onceUnit(description: string, script: string): string {
  return `[Unit]
Description=${description}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/tutti/${script}.sh
`;
}

/** What `docker run` is given to run tutti, from its own options to the image, and what an image of Node.js alone needs to be told. */
function tuttiIn(image: string, isBundled: boolean): readonly string[] {
  // The launcher is given to a shell: what the bundle is unpacked on may be mounted noexec.
  return isBundled ? [`--volume=${BUNDLE_LINK}:/app:ro`, image, 'sh /app/node/bin/tutti'] : [image];
}

/** The unit of the node. Exit code 104 is a wrong setting: starting again would not change it. */
function nodeUnit(image: string, isBundled: boolean, hasCredentials: boolean): string {
  const run = [
    '/usr/bin/docker run --rm --init --name=tutti --network=host --read-only --tmpfs=/tmp',
    '--cap-drop=ALL --security-opt=no-new-privileges --ulimit=nofile=65536:65536',
    `--stop-timeout=${STOP_SECS} --env-file=/run/tutti/node.env --volume=${DATA_MOUNT}:/data`,
    ...(hasCredentials ? [`--volume=${CREDENTIALS_FOLDER}:${CREDENTIALS_MOUNT}:ro`] : []),
    ...(isBundled ? ['--user=1000:1000 --env=NODE_ENV=production --env=CLUSTER_DATA_DIR=/data'] : []),
    ...tuttiIn(image, isBundled),
    'node',
  ];
  return `[Unit]
Description=tutti, a node of a distributed load test
Wants=network-online.target
Requires=docker.service tutti-disk.service tutti-firewall.service
After=network-online.target docker.service tutti-disk.service tutti-firewall.service

[Service]
ExecStartPre=/bin/sh /etc/tutti/settings.sh
${isBundled ? 'ExecStartPre=/bin/sh /etc/tutti/bundle.sh\n' : ''}# What an end of systemd or Docker left behind. The log is on the disk, not in the container.
ExecStartPre=-/usr/bin/docker stop --time=${STOP_SECS} tutti
ExecStartPre=-/usr/bin/docker rm tutti
ExecStart=${run.join(' \\\n  ')}
ExecStop=/usr/bin/docker stop --time=${STOP_SECS} tutti
Restart=always
RestartSec=5
RestartPreventExitStatus=104
TimeoutStartSec=600
TimeoutStopSec=${STOP_SECS + 15}
`;
}
