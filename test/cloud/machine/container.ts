import { parseEnvFile, type RunCommand } from './docker-command.ts';
import type { Image } from './images.ts';

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The shell script that becomes the container's process: it makes the root directory in a mount namespace of its own, and ends in the
 * command, with the pid it has. What is bound from the instance is read-only, but the volumes.
 */
export function containerScript(command: RunCommand, image: Image, readText: (path: string) => string): string {
  const root = `/run/containers/${command.name}`;
  const [uid, gid] = (command.user ?? image.user).split(':');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: uid === '0' ? '/root' : '/',
    ...image.env,
    ...Object.assign({}, ...command.envFiles.map((path) => parseEnvFile(readText(path)))),
    ...parseEnvFile(command.env.join('\n')),
  } as Readonly<Record<string, string>>;
  const entry = command.entrypoint === null ? image.entrypoint : [command.entrypoint];
  const words = [
    ...entry,
    ...(command.args.length > 0 ? command.args : command.entrypoint === null ? image.command : []),
  ];
  const privileges = [
    `--reuid=${uid!} --regid=${gid ?? uid!} --clear-groups`,
    ...(command.noNewPrivileges ? ['--no-new-privs'] : []),
    ...(command.dropsCapabilities ? ['--bounding-set=-all --inh-caps=-all'] : []),
  ];
  const environment = Object.entries(env).map(([name, value]) => quote(`${name}=${value}`));
  return `
export PATH=/.host/usr/sbin:/.host/usr/bin
mkdir -p ${root}
mount -t tmpfs -o mode=755 tmpfs ${root}
cd ${root}
mkdir -p usr/local/bin etc proc dev tmp root
ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib; ln -s usr/lib64 lib64
for part in bin sbin lib lib64 share; do mkdir -p usr/$part; mount --bind /.host/usr/$part usr/$part; mount -o remount,bind,ro usr/$part; done
cp -L /etc/hosts /etc/resolv.conf /etc/hostname etc/
printf 'hosts: files\\n' >etc/nsswitch.conf
mount --rbind /proc proc; mount --rbind /dev dev
touch usr/local/bin/node; mount --bind /.host/node usr/local/bin/node
${Object.entries(image.files)
  .map(([inside, outside]) => bind(outside, inside, true))
  .join('\n')}
[ ! -e app ] || ln -sf /app/node/bin/tutti usr/local/bin/tutti
${command.volumes.map((volume) => volumeLine(volume)).join('\n')}
${command.tmpfs.map((path) => `mkdir -p .${path}; mount -t tmpfs -o mode=1777 tmpfs .${path}`).join('\n')}
${command.isReadOnly ? `mount -o remount,bind,ro ${root}` : ''}
${command.ulimits.map((limit) => ulimitLine(limit)).join('\n')}
exec /.host/usr/bin/env -i ${environment.join(' ')} /.host/usr/sbin/chroot . /usr/bin/setpriv ${privileges.join(' ')} -- /bin/sh -c 'cd "$0" && exec "$@"' ${quote(command.workdir ?? image.workdir)} ${words.map(quote).join(' ')}
`;
}

/** What this machine does not let anybody raise stays as it is. */
function ulimitLine(limit: string): string {
  const name = limit.slice(0, limit.indexOf('='));
  return `prlimit --pid $$ --${limit} 2>/dev/null || echo "docker: --ulimit=${limit}: this machine allows only $(prlimit --pid $$ --raw --noheadings --output HARD --${name})" >&2`;
}

function volumeLine(volume: string): string {
  const [source, target, mode] = volume.split(':');
  return bind(source!, target!, mode === 'ro');
}

function bind(source: string, target: string, isReadOnly: boolean): string {
  const make = `if [ -d ${quote(source)} ]; then mkdir -p .${target}; else mkdir -p .$(dirname ${target}); touch .${target}; fi`;
  const protect = isReadOnly ? `; mount -o remount,bind,ro .${target}` : '';
  return `${make}; mount --bind ${quote(source)} .${target}${protect}`;
}
