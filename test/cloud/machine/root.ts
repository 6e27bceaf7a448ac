import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from './images.ts';

/** What Container-Optimized OS has of what a Debian has, as far as cloud-init here uses it: nothing else is on an instance's PATH. */
const programs = {
  bin: [
    ...[
      'sh',
      'bash',
      'cat',
      'chmod',
      'chown',
      'cp',
      'curl',
      'cut',
      'date',
      'env',
      'flock',
      'grep',
      'gzip',
      'head',
      'id',
      'ln',
      'ls',
      'mkdir',
    ],
    ...[
      'mktemp',
      'mount',
      'mountpoint',
      'mv',
      'readlink',
      'rm',
      'sed',
      'sha256sum',
      'sleep',
      'stat',
      'sync',
      'tail',
      'tar',
      'test',
      'touch',
    ],
    ...['tr', 'true', 'umount'],
  ],
  sbin: ['iptables', 'mkfs.ext4', 'sysctl'],
} as const;

export interface RootOptions {
  /** Where it is made; on a disk, as /var of an instance is. */
  readonly directory: string;
  readonly hostName: string;
  readonly checkout: string;
  /** The data disk: a file, and the name under which the instance has it. */
  readonly disks: readonly { readonly file: string; readonly deviceName: string }[];
  /** What `docker run` finds, by reference (images.ts). */
  readonly images: Readonly<Record<string, Image>>;
  /** The certificates that its programs believe. */
  readonly authority: string;
  /** Names that the cloud's own name server knows, and their addresses. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** Makes the directories and files of an instance's root; `mountScript` then brings in what is mounted. What is there is kept. */
export function makeRoot({ directory, hostName, hosts, images, authority }: RootOptions): void {
  const make = (path: string): void => void mkdirSync(join(directory, path), { recursive: true });
  for (const path of [
    '.host/usr',
    '.host/etc/ssl/certs',
    'usr/bin',
    'usr/sbin',
    'usr/local/bin',
    'etc',
    'proc',
    'dev',
    'tmp',
    'run',
    'var/log',
    'var/lib/docker',
    'mnt/disks',
    'root',
    'home',
  ])
    make(path);
  const link = (target: string, path: string): void => {
    try {
      symlinkSync(target, join(directory, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  };
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) link(`usr/${name}`, name);
  for (const name of ['lib', 'lib64', 'share']) link(`../.host/usr/${name}`, `usr/${name}`);
  for (const [folder, names] of Object.entries(programs)) {
    // Through the links of /etc/alternatives, which are not there; a program of several names goes by that of the link.
    for (const name of names) link(`../../.host${realpathSync(`/usr/${folder}/${name}`)}`, `usr/${folder}/${name}`);
  }
  const write = (path: string, text: string, mode = 0o644): void =>
    writeFileSync(join(directory, path), text, { mode });
  const stand = (name: string): string =>
    `#!/bin/sh\nexec /.host/node "/.checkout/test/cloud/machine/${name}.ts" "$@"\n`;
  make('.checkout');
  write('usr/bin/docker', stand('docker'), 0o755);
  write('usr/bin/systemctl', stand('systemctl'), 0o755);
  write('.host/node', '', 0o755);
  write('.host/images.json', JSON.stringify(images));
  const lines = Object.entries({ localhost: '127.0.0.1', [hostName]: '127.0.1.1', ...hosts }).map(
    ([name, address]) => `${address} ${name}\n`,
  );
  write('.host/etc/hosts', lines.join(''));
  write('.host/etc/ssl/certs/ca-certificates.crt', authority);
  write('.host/etc/hostname', `${hostName}\n`);
  write('.host/etc/resolv.conf', '');
  write('.host/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n');
  write('.host/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  write('.host/etc/group', 'root:x:0:\n');
}

/**
 * Shell that mounts the rest and ends in the first process of the instance; for a mount namespace of its own. /etc is new at every boot, as it is there;
 * of /proc/sys only what belongs to the network namespace can be written, since the rest is the host's.
 */
export function mountScript({ directory, checkout, disks }: RootOptions, node: string): string {
  const links = disks.flatMap(({ file, deviceName }, at) => [
    `touch dev/sd${'bcdef'[at]!}`,
    `mount --bind "${file}" dev/sd${'bcdef'[at]!}`,
    `ln -s ../../sd${'bcdef'[at]!} dev/disk/by-id/google-${deviceName}`,
  ]);
  return `
mount --bind "${directory}" "${directory}"
cd "${directory}"
mount --bind /usr .host/usr; mount -o remount,bind,ro "${directory}/.host/usr"
mount --bind "${checkout}" .checkout; mount -o remount,bind,ro "${directory}/.checkout"
mount --bind "${node}" .host/node
mount -t tmpfs -o mode=755 tmpfs etc; cp -a .host/etc/. etc/
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mknod dev/loop-control c 10 237
for number in $(seq 0 63); do mknod dev/loop$number b 7 $number; done
mkdir -p dev/disk/by-id dev/shm
${links.join('\n')}
mount -t proc proc proc
mount --bind proc/sys proc/sys; mount -o remount,bind,ro "${directory}/proc/sys"
mount --bind proc/sys/net proc/sys/net; mount -o remount,bind,rw "${directory}/proc/sys/net"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot . /.host/node /.checkout/test/cloud/machine/boot.ts
`;
}
