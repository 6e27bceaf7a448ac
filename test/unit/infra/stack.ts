import { parseStackConfig } from '../../../infra/src/config/parse.ts';
import { type Graph, graphOf } from './engine.ts';

const planText = `version: '1.0'
config: { baseUrl: http://target.example, duration: 10s }
load: { model: rps, target: 5 }
scenarios: [{ name: a, steps: [{ request: { method: GET, path: / } }] }]
`;
export const image = `ghcr.io/me/tutti@sha256:${'0'.repeat(64)}`;
export const built = { plan: 'plan.yaml', deploy: JSON.stringify({ kind: 'image', image }) };
export const bundle = { name: `bundle-${'1'.repeat(64)}.tar.gz`, file: '/tmp/bundle.tar.gz' };
export const three = ['us-central1', 'europe-west1', 'asia-northeast1'];
export const seven = [...three, 'australia-southeast1', 'southamerica-east1', 'africa-south1', 'me-west1'];

/** The graph of a stack with these values of its configuration. */
export const stackOf = (values: Record<string, string>, preview = false): Promise<Graph> =>
  graphOf(
    async () => {
      const { deploy } = await import('../../../infra/src/program.ts');
      return deploy(
        parseStackConfig({ project: 'my-project', stack: 'dev', values: { ...built, ...values } }),
        planText,
        () => bundle,
      );
    },
    { preview },
  );
export const valuesOf = (regions: readonly string[], nodesPerRegion = 1): Record<string, string> => ({
  regions: JSON.stringify(regions),
  nodesPerRegion: String(nodesPerRegion),
});
