import { goModuleTool } from '../go-module-tool.ts';

const version = '3.250.0';
/** The last that is published as a module of its own right; the protocol between it and the engine has not changed since. */
const hostVersion = '3.68.0';

/** The real engine, and what it runs programs for Node.js with: the paths of two programs. */
export interface PulumiPrograms {
  readonly cli: string;
  readonly languageHost: string;
}

/** Of the pinned versions; a build of both takes minutes. @throws Unavailable */
export async function findPulumi(): Promise<PulumiPrograms> {
  return { cli: await findCli(), languageHost: await findLanguageHost() };
}

const findCli = (): Promise<string> =>
  goModuleTool({
    name: 'pulumi',
    module: 'github.com/pulumi/pulumi/pkg/v3',
    version: `v${version}`,
    sum: 'h1:T2eQ5Ujv3+H2FUqYuJ5pwUtKFDazdvkyG5P3V3iEt0I=',
    package: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
    // Without it the Automation API cannot read the version.
    ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`,
    asksVersion: { with: ['version'], answers: `v${version}\n` },
  });

const findLanguageHost = (): Promise<string> =>
  goModuleTool({
    name: 'pulumi-language-nodejs',
    module: 'github.com/pulumi/pulumi/sdk/v3',
    version: `v${hostVersion}`,
    sum: 'h1:JWn3DGJhzoWL8bNbUdyLSSPeKS2F9mv14/EL9QeVT3w=',
    package: 'github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs',
    asksVersion: null,
  });
