import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { ComposeProject } from './compose-project.ts';

/** What differs between the profiles of docker-compose.yml that bring a cluster. */
export interface Profile {
  readonly name: string;
  /** Each of their containers is a node. */
  readonly services: readonly string[];
  /** The service that says where everything is. */
  readonly whereService: string;
  /** As the README does it, with the plan that docker-compose.yml brings. */
  putPlan(project: ComposeProject): Promise<unknown>;
  /** The service whose containers may become more and fewer. */
  readonly scalable: string | null;
}

export const profiles = {
  static: {
    name: 'static',
    services: ['node-a', 'node-b', 'node-c'],
    whereService: 'where-static',
    putPlan: (project) => project.run('exec', '-T', 'node-a', 'tutti', 'submit', '/app/examples/compose.yaml'),
    scalable: null,
  },
  consul: {
    name: 'consul',
    services: ['tutti'],
    whereService: 'where-consul',
    putPlan: (project) =>
      project.run('exec', '-T', 'consul', 'consul', 'kv', 'put', 'loadtest/config', '@/examples/compose.yaml'),
    scalable: 'tutti',
  },
  gcs: {
    name: 'gcs',
    services: ['gcs-a', 'gcs-b', 'gcs-c'],
    whereService: 'where-gcs',
    async putPlan(project) {
      const [gcs] = await project.containers(['gcs']);
      const path = '/upload/storage/v1/b/plans/o?uploadType=media&name=plan.yaml';
      const url = `http://127.0.0.1:${gcs!.ports.get('4443/tcp')!}${path}`;
      const { status } = await fetch(url, { method: 'POST', body: readFileSync('examples/compose.yaml') });
      assert.equal(status, 200, 'the upload to the bucket failed');
    },
    scalable: null,
  },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
