import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { doctor } from '../../../../infra/src/cloud/commands/doctor.ts';
import { judgeApis, neededApis } from '../../../../infra/src/cloud/doctor/apis.ts';
import type { Finding } from '../../../../infra/src/cloud/doctor/finding.ts';
import { judgePolicies } from '../../../../infra/src/cloud/doctor/policies.ts';
import { judgeQuotas, needOf } from '../../../../infra/src/cloud/doctor/quotas.ts';
import { judgeRights, operatorPermissions } from '../../../../infra/src/cloud/doctor/rights.ts';
import { CloudFailure } from '../../../../infra/src/cloud/failure.ts';
import type { OrganizationPolicy } from '../../../../infra/src/cloud/google/project.ts';
import { config, fakeContext, machine, type Parts } from '../../../support/cloud/fake-context.ts';

const findingsOf = async (parts: Parts): Promise<{ findings: readonly Finding[]; code: number }> => {
  const { context, results } = fakeContext(parts);
  const code = await doctor.run(context, [], {});
  return { code, findings: (results[0]!.value as { findings: readonly Finding[] }).findings };
};
const missingOf = (findings: readonly Finding[]): readonly (readonly [string, string | null])[] =>
  findings.filter(({ state }) => state === 'missing').map(({ what, command }) => [what, command]);

describe('doctor', () => {
  it('finds nothing in the way of a project that has all', async () => {
    const { code, findings } = await findingsOf({});
    expect(code).toBe(0);
    expect(findings.map(({ state, what }) => [what, state])).toEqual([
      ['gcloud', 'ok'],
      ['stack', 'ok'],
      ['plan', 'ok'],
      ['login', 'ok'],
      ['project', 'ok'],
      ['billing', 'ok'],
      ['APIs', 'ok'],
      ['rights', 'ok'],
      ['quotas of the project', 'ok'],
      ['quotas of asia-east1', 'ok'],
      ['quotas of europe-west1', 'ok'],
      ['quotas of us-east1', 'ok'],
      ['organization policies', 'ok'],
    ]);
  });

  it.each<[string, Parts, readonly (readonly [string, string | null])[]]>([
    [
      'gcloud',
      {
        reach: {
          whyNot: () => Promise.resolve('gcloud was not found'),
          open: () => Promise.reject(new Error('not asked')),
        },
      },
      [['gcloud', 'https://cloud.google.com/sdk/docs/install']],
    ],
    [
      'a plan that a leader would take',
      { engine: { checkPlan: () => Promise.reject(CloudFailure.input('plan.yaml cannot be read')) } },
      [['plan', 'pulumi config set tutti:plan PLAN (a path from the folder infra), or mend the file']],
    ],
    [
      'a login',
      { facts: { login: () => Promise.resolve('no credentials') } },
      [['login', 'gcloud auth application-default login']],
    ],
    [
      'billing',
      { facts: { billingEnabled: () => Promise.resolve(false) } },
      [['billing', 'gcloud billing projects link my-project --billing-account=ACCOUNT']],
    ],
    [
      'the project',
      { facts: { state: () => Promise.resolve('DELETE_REQUESTED') } },
      [['project', 'gcloud projects undelete my-project']],
    ],
  ])('names %s where it is missing, with the command, and ends with 1', async (_, parts, expected) => {
    const { code, findings } = await findingsOf(parts);
    expect(missingOf(findings)).toEqual(expected);
    expect(code).toBe(1);
  });

  it.each<[string, CloudFailure, string]>([
    ['a configuration that is none', CloudFailure.input('tutti:regions: is required'), 'A stack'],
    ['an engine that is not there', new CloudFailure('pulumi was not found'), 'From an empty project to a result'],
  ])('shows of %s what is wrong, and looks for the login all the same', async (_, failure, chapter) => {
    const { code, findings } = await findingsOf({
      engine: { config: () => Promise.reject(failure) },
      facts: { login: () => Promise.resolve('no credentials') },
    });
    expect(code).toBe(1);
    expect(findings.map(({ what, state }) => [what, state])).toEqual([
      ['gcloud', 'ok'],
      ['stack', 'missing'],
      ['login', 'missing'],
    ]);
    expect(findings[1]).toMatchObject({ detail: failure.message, command: `docs/google-cloud.md, "${chapter}"` });
    expect(readFileSync('docs/google-cloud.md', 'utf8')).toContain(`\n## ${chapter}\n`);
  });

  it('does not call missing what it may not see', async () => {
    const nothing = (): Promise<null> => Promise.resolve(null);
    const { code, findings } = await findingsOf({
      facts: { state: nothing, billingEnabled: nothing, enabled: nothing, granted: nothing, policy: nothing },
    });
    expect(code).toBe(0);
    expect(findings.filter(({ state }) => state === 'unknown').map(({ what }) => what)).toEqual([
      'project',
      'billing',
      'APIs',
      'rights',
      'organization policies',
    ]);
  });

  it('wants of the quotas only what is still to come', async () => {
    const quotas = (
      _project: string,
      region: string | null,
    ): Promise<{ metric: string; limit: number; usage: number }[]> =>
      Promise.resolve(region === 'us-east1' ? [{ metric: 'CPUS', limit: 8, usage: 8 }] : []);
    const without = await findingsOf({ compute: { quotas, machines: () => Promise.resolve([]) } });
    expect(missingOf(without.findings)).toEqual([
      [
        'quotas of us-east1',
        'gcloud beta quotas preferences create --project=my-project --service=compute.googleapis.com --quota-id=CPUS-per-project-region --preferred-value=10 --dimensions=region=us-east1',
      ],
    ]);
    const its = machine('tutti-dev-us-east1-1', 'us-east1-b');
    const { findings } = await findingsOf({ compute: { quotas, machines: () => Promise.resolve([its]) } });
    expect(missingOf(findings)).toEqual([]);
  });
});

describe('the APIs', () => {
  it('that up cannot enable itself are missing; of the others it says that they will be', () => {
    expect(judgeApis('p', neededApis).detail).toBe('all 10 are enabled');
    const first = judgeApis('p', ['compute.googleapis.com', 'cloudresourcemanager.googleapis.com']);
    expect([first.state, first.command]).toEqual([
      'missing',
      'gcloud services enable serviceusage.googleapis.com --project=p',
    ]);
    const later = judgeApis(
      'p',
      neededApis.filter((name) => !name.startsWith('iap.')),
    );
    expect([later.state, later.detail]).toEqual(['ok', 'scripts/cloud up will enable iap.googleapis.com']);
  });
});

describe('the rights', () => {
  it('that are missing are named by the role that brings them', () => {
    const granted = operatorPermissions.filter((permission) => permission !== 'compute.firewalls.create');
    expect(judgeRights('p', granted)).toEqual([
      {
        what: 'roles/compute.securityAdmin',
        state: 'missing',
        detail: 'the firewall: you lack compute.firewalls.create',
        command:
          'gcloud projects add-iam-policy-binding p --member="user:$(gcloud config get account)" --role=roles/compute.securityAdmin',
      },
    ]);
  });
});

describe('the quotas', () => {
  it('that a node takes are those of its machine, addresses and disks', () => {
    expect(needOf(config, 2)).toEqual({
      CPUS: 4,
      INSTANCES: 2,
      IN_USE_ADDRESSES: 2,
      STATIC_ADDRESSES: 2,
      SSD_TOTAL_GB: 20,
      DISKS_TOTAL_GB: 20,
    });
    const runtime = { ...config.runtime, machineType: 'n2-standard-8' as const };
    expect(needOf({ runtime }, 1).N2_CPUS).toBe(8);
    expect(needOf({ runtime: { ...runtime, machineType: 'e2-small' } }, 1).CPUS).toBe(2);
  });

  it('are enough up to the last, and not beyond', () => {
    const quota = [{ metric: 'INSTANCES', limit: 5, usage: 3 }];
    expect(judgeQuotas('p', 'r', quota, { INSTANCES: 2 })[0]!.state).toBe('ok');
    expect(judgeQuotas('p', 'r', quota, { INSTANCES: 3 })[0]).toMatchObject({
      state: 'missing',
      detail: 'INSTANCES: 3 more are needed, 3 of 5 are in use',
    });
    expect(
      judgeQuotas('p', null, [{ metric: 'CPUS_ALL_REGIONS', limit: 12, usage: 12 }], { CPUS_ALL_REGIONS: 6 })[0]!
        .command,
    ).toContain('--quota-id=CPUS-ALL-REGIONS-per-project --preferred-value=18');
  });
});

describe('the organization policies', () => {
  const judged = (name: string, rules: OrganizationPolicy['rules']): Finding =>
    judgePolicies('p', new Map([[name, { rules }]]))[0]!;

  it.each<[string, OrganizationPolicy['rules'], Finding['state']]>([
    ['compute.vmExternalIpAccess', [{ allowAll: true }], 'ok'],
    ['compute.vmExternalIpAccess', [{ denyAll: true }], 'missing'],
    ['compute.vmExternalIpAccess', [{ values: { allowedValues: ['projects/p/zones/z/instances/i'] } }], 'missing'],
    ['compute.trustedImageProjects', [{ values: { allowedValues: ['is:projects/debian-cloud'] } }], 'missing'],
    ['compute.trustedImageProjects', [{ values: { allowedValues: ['projects/cos-cloud'] } }], 'ok'],
    ['iam.disableServiceAccountCreation', [{ enforce: true }], 'missing'],
    ['iam.disableServiceAccountCreation', [{ enforce: false }], 'ok'],
    ['gcp.resourceLocations', [{ values: { allowedValues: ['in:eu-locations'] } }], 'unknown'],
    ['gcp.resourceLocations', [{ denyAll: true }], 'missing'],
  ])('%s with %j is %s', (name, rules, state) => {
    const finding = judged(name, rules);
    expect(finding.state).toBe(state);
    if (state === 'missing') expect(finding.command).toBe(`gcloud org-policies reset ${name} --project=p`);
  });
});
