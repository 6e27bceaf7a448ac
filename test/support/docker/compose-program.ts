import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { goModuleTool } from '../go-module-tool.ts';

const version = '2.40.3';
/** The first that takes what docker-compose.yml uses. */
const oldestMinor = 24;

/** The command that is docker compose here: the docker command's own, else the pinned one. @throws Unavailable */
export async function findDockerCompose(): Promise<readonly string[]> {
  if (await isNewEnough()) return ['docker', 'compose'];
  return [await pinnedDockerCompose()];
}

/** The path of the pinned version, which runs without the docker command too; a build of it takes minutes. @throws Unavailable */
export const pinnedDockerCompose = (): Promise<string> =>
  goModuleTool({
    name: 'docker-compose',
    module: 'github.com/docker/compose/v2',
    version: `v${version}`,
    sum: 'h1:XeYkQu1svDtyfZPv5nTwFryQ25ZJMkIlc4pz9HalMPI=',
    package: 'github.com/docker/compose/v2/cmd',
    ldflags: `-s -w -X github.com/docker/compose/v2/internal.Version=v${version}`,
    asksVersion: { with: ['version', '--short'], answers: `${version}\n` },
  });

async function isNewEnough(): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('docker', ['compose', 'version', '--short']);
    const [major, minor] = stdout.replace(/^v/, '').split('.').map(Number);
    return major! > 2 || (major === 2 && minor! >= oldestMinor);
  } catch {
    return false; // no docker command, or one without this plugin
  }
}
