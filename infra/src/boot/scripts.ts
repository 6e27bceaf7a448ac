import { CLUSTER_RANGE } from '../plan/addresses.ts';
import { RAFT_PORT } from '../plan/cluster-plan.ts';

/** The data disk as the machine sees it: Google makes this link from the name under which the disk is attached. */
export const DATA_DEVICE_NAME = 'tutti-data';
export const DATA_MOUNT = '/mnt/disks/tutti';
/** The user of the image (../../../Dockerfile). */
export const IMAGE_USER = '1000:1000';

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

/** Where a container sees the unpacked bundle from: a link to the one that the attribute names. */
export const BUNDLE_LINK = '/run/tutti/app';
/** On the boot disk, which may be read from though not executed from; it outlives a reboot, so a bundle is fetched once. */
const BUNDLES = '/var/lib/tutti';

/** The value of an attribute of the machine, and other things that the metadata server says. */
const metadata = `metadata() {
  curl --fail --silent --show-error --max-time 10 --retry 10 --retry-connrefused --header 'Metadata-Flavor: Google' \\
    "http://metadata.google.internal/computeMetadata/v1/instance/$1"
}`;

/** Writes what the node is told by its instance attributes; anew at each start, so a restart takes what has changed. */
export const settingsScript = `#!/bin/sh
set -eu
umask 077
${metadata}
settings=$(metadata attributes/tutti-settings)
mkdir -p /run/tutti
printf '%s\\n' "$settings" >/run/tutti/node.env
`;

/**
 * Brings the bundle that the attribute tutti-bundle names (BUCKET/bundle-SHA256.tar.gz) to where the node is run from, if it is not
 * there yet. What was fetched is used only if the archive has the digest that its name says, and is in place all at once. Begun again
 * after an interruption it unpacks over what is there; it removes nothing.
 */
export const bundleScript = `#!/bin/sh
set -eu
umask 022
${metadata}
mkdir -p /run/tutti ${BUNDLES}
bundle=$(metadata attributes/tutti-bundle)
bucket=\${bundle%%/*}
object=\${bundle#*/}
digest=\${object#bundle-}
digest=\${digest%.tar.gz}
target=${BUNDLES}/$digest
if [ ! -d "$target" ]; then
  endpoint=$(metadata attributes/tutti-settings | sed -n 's/^GCS_API_ENDPOINT=//p')
  token=$(metadata service-accounts/default/token | sed 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/')
  mkdir -p "$target.part"
  # By standard input, so that no list of processes shows the token.
  printf 'header = "Authorization: Bearer %s"\\n' "$token" |
    curl --config - --fail --silent --show-error --max-time 300 --retry 10 --retry-connrefused \\
      --output "$target.tar.gz" "\${endpoint:-https://storage.googleapis.com}/storage/v1/b/$bucket/o/$object?alt=media"
  if [ "$(gzip -dc "$target.tar.gz" | sha256sum)" != "$digest  -" ]; then
    echo "gs://$bundle is not the archive that its name says" >&2
    exit 1
  fi
  gzip -dc "$target.tar.gz" | tar -xf - -C "$target.part"
  sync
  mv "$target.part" "$target"
fi
ln -sfn "$target" ${BUNDLE_LINK}
`;
