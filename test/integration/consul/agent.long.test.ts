import { afterEach, expect, it } from 'vitest';
import { availableOrSkip } from '../../support/available.ts';
import { ConsulAgent } from '../../support/consul/agent.ts';
import { findConsul } from '../../support/consul/find.ts';
import { buildTimeoutMs } from '../../support/go-build.ts';

let agent: ConsulAgent | null = null;

afterEach(async () => {
  await agent?.stop();
  agent = null;
});

it('a Consul of the tests keeps its data over a restart', { timeout: buildTimeoutMs + 120_000 }, async (context) => {
  agent = await ConsulAgent.start(await availableOrSkip(context, findConsul));
  await agent.cli(['kv', 'put', 'a/key', 'a value']);
  await agent.kill('SIGKILL');
  await agent.startAgain();
  expect(await agent.cli(['kv', 'get', 'a/key'])).toBe('a value\n');
});

it('with ACLs only who has the right may read', { timeout: buildTimeoutMs + 120_000 }, async (context) => {
  agent = await ConsulAgent.start(await availableOrSkip(context, findConsul), { acl: true });
  await agent.cli(['kv', 'put', 'a/key', 'a value']);
  const token = await agent.createToken('key "a/key" { policy = "read" }');
  expect(await agent.cli(['kv', 'get', 'a/key'], token)).toBe('a value\n');
  await expect(agent.cli(['kv', 'put', 'a/key', 'another'], token)).rejects.toThrow('Permission denied');
});
