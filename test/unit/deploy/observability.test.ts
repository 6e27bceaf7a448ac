import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderMetrics } from '../../../node/src/metrics/render.ts';
import { buildReport } from '../../../node/src/results/build-report.ts';
import { input } from '../results/sample.ts';

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string; readonly record?: string }[] }[];
}
const read = (file: string): string => readFileSync(`examples/deploy/${file}`, 'utf8');
const dashboard = JSON.parse(read('grafana/dashboards/tutti.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
};
const rules = (parse(read('prometheus/rules.yml')) as Rules).groups.flatMap((group) => group.rules);
const recorded = new Set(rules.map(({ record }) => record));
const queries = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.map(({ query }) => query),
];
/** Name of each metric of a node, with its labels. */
const metrics = new Map<string, Set<string>>();

beforeAll(async () => {
  const cluster = {
    nodeId: 'a',
    region: 'eu',
    state: 'leader',
    isLeader: true,
    term: 1,
    commitIndex: 2,
    appliedIndex: 2,
  };
  const { text } = await renderMetrics(buildReport(input()), { ...cluster, members: 3, connectedPeers: 2 });
  for (const [, name, labels = ''] of text.matchAll(/^# TYPE (\w+) \w+\n(?:\w+\{(.*)\} )?/gm))
    metrics.set(name!, new Set([...labels.matchAll(/(\w+)="/g)].map((match) => match[1]!)));
});

describe('what Prometheus and Grafana ask for', () => {
  it('there are queries to look at', () => {
    expect(queries.length).toBeGreaterThan(20);
    expect(metrics.size).toBeGreaterThan(10);
  });

  it.each(queries)('is there: %s', (query) => {
    const names = [...query.matchAll(/\btutti[_:][\w:]+/g)].map(([name]) => name).filter((name) => !recorded.has(name));
    expect(names.filter((name) => !metrics.has(name))).toEqual([]);
    const known = new Set(names.flatMap((name) => [...metrics.get(name)!]));
    if (names.some((name) => metrics.get(name)!.size === 0)) return; // without a sample here: its labels are not known
    const asked = [...query.matchAll(/by \(([^)]*)\)/g)].flatMap((match) => match[1]!.split(', '));
    if (names.length > 0) expect(asked.filter((label) => !known.has(label))).toEqual([]);
  });

  it('every panel has its data from the data source that is provisioned', () => {
    const sources = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
      readonly datasources: readonly [{ readonly uid: string; readonly url: string }];
    };
    const [{ uid, url }] = sources.datasources;
    const used = dashboard.panels.filter(({ type }) => type !== 'row').map(({ datasource }) => datasource?.uid);
    expect(new Set(used)).toEqual(new Set([uid]));
    expect(url).toBe('http://prometheus:9090');
  });

  it('the folders that docker-compose.yml gives to Grafana are those that it is told to read', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8');
    const providers = parse(read('grafana/provisioning/dashboards/tutti.yml')) as {
      readonly providers: readonly [{ readonly options: { readonly path: string } }];
    };
    expect(compose).toContain(`./examples/deploy/grafana/dashboards:${providers.providers[0].options.path}:ro`);
  });
});
