import { goModuleTool } from '../go-module-tool.ts';

/** The path of a fake-gcs-server of the pinned version; a build of it takes a minute. @throws Unavailable */
export const findFakeGcs = (): Promise<string> =>
  goModuleTool({
    name: 'fake-gcs-server',
    module: 'github.com/fsouza/fake-gcs-server',
    version: 'v1.56.1',
    sum: 'h1:K03sAvbLvDz4hAynpCCUqnNRp+ik9JFSvHbkD/wTPOU=',
    asksVersion: null,
  });
