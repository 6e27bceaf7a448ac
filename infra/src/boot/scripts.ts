import { CLUSTER_RANGE } from '../plan/addresses.ts';
import { RAFT_PORT } from '../plan/cluster-plan.ts';

/** The data disk as the machine sees it: Google makes this link from the name under which the disk is attached. */
export const DATA_DEVICE_NAME = 'tutti-data';
export const DATA_MOUNT = '/mnt/disks/tutti';
/** The user of the image (../../../Dockerfile). */
const IMAGE_USER = '1000:1000';

/** SHA-256 of 16 MiB of zeros, as sha256sum prints it. */
const EMPTY = '080acf35a507ac9849cfcba47dc2ad83e01b75663a516279c8b9d243b719643e  -';

/**
 * Mounts the data disk. It makes a file system only where the disk has never been written: Google delivers zeros, and a
 * superblock, damaged or not, is none. A disk that cannot be read, or that holds anything, is never formatted; then the mount
 * says what is wrong, and the node does not start.
 */
export const mountScript = `#!/bin/sh
set -eu
device=/dev/disk/by-id/google-${DATA_DEVICE_NAME}
if [ "$(head -c 16777216 "$device" | sha256sum)" = "${EMPTY}" ]; then
  mkfs.ext4 -q -L ${DATA_DEVICE_NAME} "$device"
fi
mkdir -p ${DATA_MOUNT}
mountpoint -q ${DATA_MOUNT} || mount -o nodev,nosuid,noexec "$device" ${DATA_MOUNT}
chown ${IMAGE_USER} ${DATA_MOUNT}
`;

/** Container-Optimized OS drops what comes in but SSH. The network's firewall says which machines may come (../components/firewall.ts). */
export const firewallScript = `#!/bin/sh
set -eu
rule="INPUT --protocol tcp --source ${CLUSTER_RANGE} --dport ${RAFT_PORT} --jump ACCEPT"
# shellcheck disable=SC2086 # several words on purpose
iptables --wait --check $rule 2>/dev/null || iptables --wait --append $rule
`;

/** Writes what the node is told by its instance attributes; anew at each start, so a restart takes what has changed. */
export const settingsScript = `#!/bin/sh
set -eu
umask 077
attribute() {
  curl --fail --silent --show-error --max-time 10 --retry 10 --retry-connrefused --header 'Metadata-Flavor: Google' \\
    "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}
settings=$(attribute tutti-settings)
nodes=$(attribute cluster-nodes)
mkdir -p /run/tutti
printf '%s\\nCLUSTER_NODES=%s\\n' "$settings" "$nodes" >/run/tutti/node.env
`;
