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
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
