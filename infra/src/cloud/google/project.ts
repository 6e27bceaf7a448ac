import { GoogleFailure, type GoogleRest } from './rest.ts';

/** A question to an API that is not enabled is no answer: null where it says so, or where it is forbidden. */
export type Known<Value> = Value | null;

/** What Google says of a project, for `doctor`. */
export interface ProjectFacts {
  /** Whether there is a login at all; the reason where there is none. */
  login(): Promise<string | null>;
  /** ACTIVE, DELETE_REQUESTED, ...; null: there is no such project, or it may not be seen. */
  state(project: string): Promise<Known<string>>;
  billingEnabled(project: string): Promise<Known<boolean>>;
  /** Those of `services` ("compute.googleapis.com") that are enabled. */
  enabled(project: string, services: readonly string[]): Promise<Known<readonly string[]>>;
  /** Those of `permissions` that whoever asks has. */
  granted(project: string, permissions: readonly string[]): Promise<Known<readonly string[]>>;
  /** The policy that holds for the project, wherever it was set. */
  policy(project: string, constraint: string): Promise<Known<OrganizationPolicy>>;
}

/** google.cloud.orgpolicy.v2.Policy, as far as it is looked at. */
export interface OrganizationPolicy {
  readonly rules: readonly {
    readonly enforce?: boolean;
    readonly allowAll?: boolean;
    readonly denyAll?: boolean;
    readonly values?: { readonly allowedValues?: readonly string[]; readonly deniedValues?: readonly string[] };
  }[];
}

export function projectFactsOf(rest: GoogleRest, login: () => Promise<unknown>): ProjectFacts {
  const known = async <Answer>(request: Parameters<GoogleRest['json']>[0]): Promise<Known<Answer>> => {
    try {
      return await rest.json<Answer>(request);
    } catch (thrown) {
      if (thrown instanceof GoogleFailure && (thrown.status === 403 || thrown.status === 404)) return null;
      throw thrown;
    }
  };
  return {
    login: () =>
      login().then(
        () => null,
        (thrown: unknown) => (thrown as Error).message,
      ),
    async state(project) {
      const answer = await known<{ lifecycleState?: string }>({ api: 'resourceManager', path: `projects/${project}` });
      return answer?.lifecycleState ?? null;
    },
    async billingEnabled(project) {
      const path = `projects/${project}/billingInfo`;
      const answer = await known<{ billingEnabled?: boolean }>({ api: 'billing', path });
      return answer === null ? null : (answer.billingEnabled ?? false);
    },
    async enabled(project, services) {
      // `names` is repeated, which a record of queries cannot say.
      const names = services.map((name) => `names=${encodeURIComponent(`projects/${project}/services/${name}`)}`);
      const path = `projects/${project}/services:batchGet?${names.join('&')}`;
      const answer = await known<{ services?: { name: string; state?: string }[] }>({ api: 'serviceUsage', path });
      if (answer === null) return null;
      const on = (answer.services ?? []).filter(({ state }) => state === 'ENABLED');
      return on.map(({ name }) => name.split('/').at(-1) ?? '');
    },
    async granted(project, permissions) {
      const path = `projects/${project}:testIamPermissions`;
      const body = { permissions };
      const answer = await known<{ permissions?: string[] }>({ api: 'resourceManager', method: 'POST', path, body });
      return answer === null ? null : (answer.permissions ?? []);
    },
    async policy(project, constraint) {
      const path = `projects/${project}/policies/${constraint}:getEffectivePolicy`;
      const answer = await known<{ spec?: Partial<OrganizationPolicy> }>({ api: 'orgPolicy', path });
      return answer === null ? null : { rules: answer.spec?.rules ?? [] };
    },
  };
}
