import { goModuleTool } from '../go-module-tool.ts';

/** Later ones name modules of their own repository that were never published. */
const version = '1.20.6';

/** The path of a real Consul of the pinned version; a build of it takes minutes. @throws Unavailable */
export const findConsul = (): Promise<string> =>
  goModuleTool({
    name: 'consul',
    module: 'github.com/hashicorp/consul',
    version: `v${version}`,
    sum: 'h1:eR9c/s/EObDfbLcpIlz1TMRVChT3n1zfeu4JIBTKOOM=',
    asksVersion: { with: ['version'], answers: `Consul v${version}\n` },
  });
