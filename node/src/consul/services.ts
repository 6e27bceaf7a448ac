import { z } from 'zod';
import { TuttiError } from '../lib/errors.ts';
import { askConsul, type ConsulAddress, shown } from './http.ts';
import type { Blocking } from './watch.ts';

/** For what an agent answers from its own memory. */
const agentTimeoutMs = 5_000;

/** Of what a check answered: its first words say what is wrong. */
const maxOutputChars = 300;

/** As the API of Consul's agent takes it. */
export interface ServiceRegistration {
  readonly ID: string;
  readonly Name: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
  readonly Check: Readonly<Record<string, string>>;
}

const registered = z.object({
  Service: z.object({ Address: z.string(), Port: z.number(), Tags: z.array(z.string()) }),
  Checks: z.array(z.object({ Status: z.string(), Output: z.string() })),
});

/** What the agent knows of a service. */
export interface RegisteredService {
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  /** What a check of it answered that fails; null: none does. */
  readonly failure: string | null;
}
/** How the agent says that a check warns or fails, with the same answer. */
const notPassing = [429, 503];

const healthEntries = z.array(
  z.object({ Node: z.object({ Address: z.string() }), Service: z.object({ Address: z.string(), Port: z.number() }) }),
);

/** Where a healthy instance of a service is. */
export interface Instance {
  readonly host: string;
  readonly port: number;
}

/** Registers the service with the agent, or changes what is registered under its id. CONSUL_FAILED. */
export async function registerService(consul: ConsulAddress, service: ServiceRegistration): Promise<void> {
  const path = '/agent/service/register';
  await askConsul(consul, { method: 'PUT', path, body: JSON.stringify(service), timeoutMs: agentTimeoutMs });
}

/** That the agent does not know it is no failure. CONSUL_FAILED. */
export async function deregisterService(consul: ConsulAddress, id: string, timeoutMs: number): Promise<void> {
  const path = `/agent/service/deregister/${encodeURIComponent(id)}`;
  await askConsul(consul, { method: 'PUT', path, timeoutMs });
}

/** What the agent knows under this id; null: nothing. CONSUL_FAILED. */
export async function readService(consul: ConsulAddress, id: string): Promise<RegisteredService | null> {
  const path = `/agent/health/service/id/${encodeURIComponent(id)}`;
  const asked = { method: 'GET', path, timeoutMs: agentTimeoutMs, alsoTakes: notPassing } as const;
  const { status, text } = await askConsul(consul, asked);
  if (status === 404) return null;
  const { Service, Checks } = read(consul, registered, text);
  const failing = Checks.find(({ Status }) => Status === 'critical');
  return {
    ...{ address: Service.Address, port: Service.Port, tags: Service.Tags },
    failure: failing === undefined ? null : failing.Output.trim().slice(0, maxOutputChars),
  };
}

/** The instances of the service with this tag whose checks pass; see `watchConsul` for `blocking`. CONSUL_FAILED. */
export async function healthyInstances(
  consul: ConsulAddress,
  service: { readonly name: string; readonly tag: string },
  asked: { readonly blocking: Blocking; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<{ readonly index: number; readonly value: readonly Instance[] }> {
  const { blocking, timeoutMs, signal } = asked;
  const { index, text } = await askConsul(consul, {
    method: 'GET',
    path: `/health/service/${encodeURIComponent(service.name)}`,
    query: { passing: '', tag: service.tag, index: String(blocking.index), wait: blocking.wait },
    timeoutMs,
    signal,
  });
  const value = read(consul, healthEntries, text).map(({ Node, Service }) => ({
    // An instance without an address of its own is at that of its agent.
    host: Service.Address === '' ? Node.Address : Service.Address,
    port: Service.Port,
  }));
  return { index, value };
}

function read<Schema extends z.ZodType>(consul: ConsulAddress, schema: Schema, text: string): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = null;
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new TuttiError('CONSUL_FAILED', `${shown(consul.url)} answers, but not as Consul does: is it its HTTP API?`);
}
