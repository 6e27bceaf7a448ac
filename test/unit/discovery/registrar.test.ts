import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registrationOf } from '../../../node/src/discovery/registration.ts';
import { Registrar } from '../../../node/src/discovery/registrar.ts';
import { silentLog } from '../../../node/src/lib/log.ts';
import { type Asked, FakeConsul } from '../consul/fake-consul.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const patience = { timeout: 10_000, interval: 5 };
const register = '/v1/agent/service/register';
const own = 'svc-c-a-01234567';
const node = {
  ...{ serviceName: 'svc', cluster: 'c', nodeId: 'a', incarnation: '0123456789', region: 'north' },
  ...{ host: '10.0.0.1', port: 7000, apiAddress: '10.0.0.1:8080' },
};

/** As Consul's agent answers for a service. */
const known = (role: string, check: object = { Status: 'passing', Output: '' }, address = '10.0.0.1'): string =>
  JSON.stringify({ Service: { Address: address, Port: 7000, Tags: [role, 'cluster-c'] }, Checks: [check] });

describe('what Consul knows of a node', () => {
  let consul: FakeConsul;
  let registrar: Registrar;
  let clock: ManualClock;
  let warned: string[];

  beforeEach(async () => {
    consul = await FakeConsul.start();
    clock = new ManualClock();
    warned = [];
    const log = { ...silentLog, warn: (_fields: object, message: string): void => void warned.push(message) };
    registrar = new Registrar({ consul: consul.address, node, clock, random: () => 0, log });
  });
  afterEach(() => consul.stop());

  const ok = (asked: Asked): void => asked.answer(200, null, '');
  /** The question of that number, in whose place time passes until it is asked. */
  const question = async (number: number): Promise<Asked> => {
    await vi.waitFor(() => {
      if (consul.asked.length < number) clock.advance(1_000);
      expect(consul.asked).toHaveLength(number);
    }, patience);
    return consul.asked[number - 1]!;
  };

  it('is the role it has, told anew when that changes and not before', async () => {
    registrar.set('forming');
    ok(await question(1));
    await registrar.known(1_000_000);
    registrar.set('forming');
    registrar.set('leader');
    const second = await question(2);
    expect([consul.asked[0]!.path, second.path]).toEqual([register, register]);
    ok(second);
    await registrar.known(1_000_000);
  });

  it('is given up by Consul where its check has failed for half a minute', () => {
    const { Check } = registrationOf(node, 'leader');
    expect(Check).toMatchObject({ Status: 'passing', DeregisterCriticalServiceAfter: '30s' });
  });

  it('is told again after a failure; whoever waits for it is kept waiting until then', async () => {
    registrar.set('leader');
    const order: string[] = [];
    const known = registrar.known(1_000_000).then(() => order.push('known'));
    (await question(1)).answer(500, null, 'no cluster leader');
    const again = await question(2);
    order.push('asked again');
    ok(again);
    await known;
    expect(order).toEqual(['asked again', 'known']);
  });

  it('is not waited for longer than asked', async () => {
    registrar.set('leader');
    await question(1);
    const known = registrar.known(2_000);
    clock.advance(2_000);
    await known;
  });

  it.each([
    ['nothing', 404, 'unknown service ID'],
    ['another role', 200, known('leader')],
    ['another address', 200, known('follower', undefined, '10.0.0.2')],
  ])('is told again when it is %s', async (_, status, body) => {
    registrar.set('follower');
    ok(await question(1));
    const look = await question(2);
    expect(look.path).toBe(`/v1/agent/health/service/id/${own}`);
    look.answer(status, null, body);
    const again = await question(3);
    expect(again.path).toBe(register);
    ok(again);
    await registrar.known(1_000_000);
  });

  it('is found wanting where its check fails, which is said once, until it passes again', async () => {
    registrar.set('follower');
    ok(await question(1));
    let asked = 1;
    for (const [status, state, warnings] of [
      [200, 'passing', 0],
      [503, 'critical', 1],
      [503, 'critical', 1],
      [200, 'passing', 1],
      [503, 'critical', 2],
    ] as const) {
      const check = { Status: state, Output: 'Get "http://10.0.0.1:8080/": connection refused\n' };
      (await question((asked += 1))).answer(status, null, known('follower', check));
      // The next question comes behind what this answer leads to.
      await question(asked + 1);
      expect(warned).toHaveLength(warnings);
    }
    expect(warned[0]).toMatch(/connection refused; .*http:\/\/10\.0\.0\.1:8080\/health\/cluster.*CLUSTER_HEALTH_ADDR/);
  });

  it('is nothing after its end; what was never registered is not deregistered, as another may have that id', async () => {
    await registrar.close();
    expect(consul.asked).toEqual([]);
  });

  it('is nothing after its end, which waits for what is under way', async () => {
    registrar.set('follower');
    const first = await question(1);
    const closed = registrar.close();
    expect(consul.asked).toHaveLength(1);
    ok(first);
    const last = await question(2);
    expect(last.path).toBe(`/v1/agent/service/deregister/${own}`);
    ok(last);
    await closed;
    registrar.set('leader');
    expect(consul.asked).toHaveLength(2);
  });
});
