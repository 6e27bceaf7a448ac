import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PulumiPrograms } from '../../support/pulumi/find.ts';
import { Cloud, type Effects } from '../provider/cloud.ts';
import { gcpKinds } from '../provider/gcp.ts';
import { tlsKinds } from '../provider/tls.ts';
import { Provider } from '../provider/provider.ts';
import { serveProvider, type ServedProvider } from '../provider/serve-provider.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** A Google project that is none, for the real engine. Close it, or its directory and ports stay. */
export class StandInCloud {
  readonly directory: string;
  readonly cloud: Cloud;
  readonly #served: ServedProvider[] = [];
  #workspace: Workspace | null = null;

  private constructor(effects: Effects) {
    this.directory = mkdtempSync(join(tmpdir(), 'tutti-cloud-'));
    this.cloud = new Cloud({ ...gcpKinds, ...tlsKinds }, effects);
  }

  static async open(programs: PulumiPrograms, effects: Effects = {}): Promise<StandInCloud> {
    const stand = new StandInCloud(effects);
    try {
      const { cloud } = stand;
      const providers = [
        new Provider({ name: 'gcp', kinds: gcpKinds, cloud, requiredConfig: ['project'] }),
        new Provider({ name: 'tls', kinds: tlsKinds, cloud, requiredConfig: [] }),
      ];
      for (const provider of providers) stand.#served.push(await serveProvider(provider));
      const running = providers.map(({ name, version }, at) => ({ name, version, port: stand.#served[at]!.port }));
      stand.#workspace = makeWorkspace(stand.directory, programs, running);
    } catch (error) {
      stand.close();
      throw error;
    }
    return stand;
  }

  get workspace(): Workspace {
    return this.#workspace!;
  }

  close(): void {
    for (const served of this.#served) served.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
