import type { NodeOutputs, StackOutputs } from '../../../infra/src/outputs.ts';

const nodeIn = (region: string, zone: string, number: number): NodeOutputs => ({
  id: `${region}-1`,
  role: 'voter',
  region,
  zone: `${region}-${zone}`,
  instance: `tutti-dev-${region}-1`,
  internalIp: `10.64.0.${number}`,
  externalIp: `203.0.113.${number}`,
  keysSecret: `projects/my-project/secrets/tutti-dev-${region}-1-keys`,
});

/** What a stack of three regions says of itself. */
export const stackOutputs: StackOutputs = {
  project: 'my-project',
  stack: 'dev',
  clusterNodes: 'us-east1-1=10.64.0.1:7000',
  plan: 'gs://my-plans/plan.yaml',
  results: 'gs://my-results',
  keepResults: true,
  keys: 'state',
  nodes: [nodeIn('asia-east1', 'a', 3), nodeIn('europe-west1', 'b', 2), nodeIn('us-east1', 'b', 1)],
  timings: { longestRoundTripMs: 100, electionTimeoutMs: 1600, central: ['us-east1'] },
  cost: {
    usdPerHour: 0.22,
    usdUntilStopped: 5.38,
    usdPerDayStopped: 0.56,
    egressUsdPerHourAtOneGbitPerNode: 162,
    egressOfPlan: { gb: 0.001, usd: 0, usdPerHour: 0.01 },
  },
  apiToken: 'projects/my-project/secrets/tutti-dev-api-token',
  next: 'scripts/cloud result --wait --stack dev',
};
