import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { exitCodes } from '../../../node/src/lib/exit-codes.ts';
import { parseClusterNodes } from '../../../node/src/transport/addresses.ts';
import { problemsOf } from './settings-of.ts';

type Environment = Readonly<Record<string, string>>;

let directory: string;
let secret: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tutti-deploy-'));
  secret = join(directory, 'secret');
  writeFileSync(secret, 'sixteen characters and more');
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Files of secrets are where the machine puts them; here one stands for all. */
function settled(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, name.endsWith('_FILE') ? secret : value]),
  );
}

describe('examples/deploy/kubernetes.yaml', () => {
  interface Named {
    readonly name: string;
  }
  interface StatefulSet {
    readonly kind: string;
    readonly metadata: Named;
    readonly spec: {
      readonly serviceName: string;
      readonly replicas: number;
      readonly template: {
        readonly spec: {
          readonly containers: readonly [
            {
              readonly env: readonly (Named & { readonly value?: string })[];
              readonly ports: readonly { readonly containerPort: number }[];
            },
          ];
        };
      };
    };
  }
  const documents = parseAllDocuments(readFileSync('examples/deploy/kubernetes.yaml', 'utf8')).map(
    (document) => document.toJS() as StatefulSet,
  );
  const set = documents.find(({ kind }) => kind === 'StatefulSet')!;
  const [{ env, ports }] = set.spec.template.spec.containers;
  const environment = (pod: string): Environment =>
    Object.fromEntries(env.map(({ name, value }) => [name, value ?? pod]));
  const pods = Array.from({ length: set.spec.replicas }, (_, index) => `${set.metadata.name}-${index}`);

  it('lists exactly its pods, by the names that the headless service gives them', () => {
    const service = documents.find(({ kind }) => kind === 'Service')!;
    expect(set.spec.serviceName).toBe(service.metadata.name);
    const listed = parseClusterNodes(environment('').CLUSTER_NODES!);
    expect(listed.map(({ id, host }) => [id, host])).toEqual(
      pods.map((pod) => [pod, `${pod}.${service.metadata.name}`]),
    );
    expect(listed.map(({ port }) => port)).toEqual(pods.map(() => ports[0]!.containerPort));
  });

  it.each(pods)('gives %s settings that a node takes', (pod) => {
    expect(problemsOf(settled(environment(pod)))).toEqual([]);
  });
});

describe('examples/deploy/tutti.nomad.hcl', () => {
  const text = readFileSync('examples/deploy/tutti.nomad.hcl', 'utf8');
  const block = /^ *env \{\n([^}]*(?:\$\{[^}]*\}[^}]*)*)\n *\}$/m.exec(text)![1]!;
  const ofTheMachine: Environment = {
    NOMAD_ADDR_raft: '10.0.0.1:7000',
    NOMAD_ADDR_api: '10.0.0.1:8080',
    'node.unique.name': 'a',
    'node.datacenter': 'dc1',
    NOMAD_SECRETS_DIR: '/secrets',
  };
  const environment = Object.fromEntries(
    block.split('\n').map((line) => {
      const [, name, value] = /^ *(\w+) += "(.*)"$/.exec(line)!;
      return [name!, value!.replace(/\$\{([^}]+)\}/g, (_whole, variable: string) => ofTheMachine[variable] ?? '?')];
    }),
  );

  it('gives each node settings that a node takes', () => {
    expect(Object.keys(environment).length).toBeGreaterThan(5);
    expect(Object.values(environment).join()).not.toContain('?');
    expect(problemsOf(settled(environment))).toEqual([]);
  });
});

describe('examples/deploy/systemd', () => {
  const unit = readFileSync('examples/deploy/systemd/tutti.service', 'utf8');
  const file = readFileSync('examples/deploy/systemd/tutti.env', 'utf8');
  const pairs = (lines: readonly string[]): Environment =>
    Object.fromEntries(lines.map((line) => /^(\w+)=(.*)$/.exec(line)!.slice(1, 3) as [string, string]));

  it('gives the node settings that a node takes', () => {
    const ofUnit = pairs([...unit.matchAll(/^Environment=((?!NODE_).*)$/gm)].map((match) => match[1]!));
    const ofFile = pairs(file.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
    expect(Object.keys({ ...ofUnit, ...ofFile }).length).toBeGreaterThan(6);
    expect(problemsOf(settled({ ...ofUnit, ...ofFile }))).toEqual([]);
  });

  it('does not start a node again that ended over a wrong setting', () => {
    expect(unit).toContain(`\nRestartPreventExitStatus=${exitCodes.invalidInput}\n`);
  });
});
