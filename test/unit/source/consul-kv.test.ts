import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TuttiError } from '../../../node/src/lib/errors.ts';
import { consulKvSource } from '../../../node/src/source/consul-kv.ts';
import type { PlanSource, SourcedPlan } from '../../../node/src/source/source.ts';
import { FakeConsul, kvBody } from '../consul/fake-consul.ts';
import { ManualClock } from '../transport/manual-clock.ts';

const signal = new AbortController().signal;

describe('a plan in Consul’s KV', () => {
  let consul: FakeConsul;
  let end: () => void;

  beforeEach(async () => {
    consul = await FakeConsul.start();
    end = () => undefined;
  });
  afterEach(async () => {
    end();
    await consul.stop();
  });

  const source = (key = 'loadtest/config', token: string | null = null): PlanSource =>
    consulKvSource({
      consul: { ...consul.address, token },
      ...{ key, isWatched: true, clock: new ManualClock(), random: () => 0 },
    });

  it('is read as the text under the key, with the token, from a leader that is one', async () => {
    consul.onAsked = (asked) => asked.answer(200, 7, kvBody('version: "1.0" # ü', 7));
    const { text } = await source('team a/plan?', 'a-token').fetch(signal);
    expect(text).toBe('version: "1.0" # ü');
    const [{ path, query, token }] = consul.asked as [FakeConsul['asked'][number]];
    expect([path, query.has('consistent'), token]).toEqual(['/v1/kv/team%20a/plan%3F', true, 'a-token']);
  });

  it('is the same submission until Consul says that it changed, and another one in another Consul', async () => {
    const idOf = async (text: string, index: number, key?: string): Promise<string> => {
      consul.onAsked = (asked) => asked.answer(200, 99, kvBody(text, index));
      return (await source(key).fetch(signal)).submissionId;
    };
    const id = await idOf('a', 7);
    expect(await idOf('a', 7)).toBe(id);
    const others = [await idOf('a', 8), await idOf('b', 7), await idOf('a', 7, 'other')];
    expect(new Set([id, ...others]).size).toBe(4);
  });

  it('that is missing is told with the command that puts it there', async () => {
    consul.onAsked = (asked) => asked.answer(404, 5, '');
    await expect(source('my/key').fetch(signal)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('consul kv put my/key @config.yaml') as string,
    });
  });

  it.each([
    [
      'a refusal, with the reason and what to set',
      403,
      'Permission denied',
      /403: Permission denied.*CONSUL_HTTP_TOKEN/,
    ],
    ['no text', 200, '[{"ModifyIndex":1,"Value":"/w=="}]', /no text in UTF-8/],
    ['another page', 200, '[]', /is it its HTTP API/],
  ])('is not taken from %s', async (_what, status, body, reason) => {
    consul.onAsked = (asked) => asked.answer(status, 5, body);
    await expect(source().fetch(signal)).rejects.toMatchObject({
      code: 'CONSUL_FAILED',
      message: expect.stringMatching(reason) as string,
    });
  });

  it('is not read without end', async () => {
    consul.onAsked = (asked) => asked.answer(200, 5, ' '.repeat(5 * 1024 * 1024));
    await expect(source().fetch(signal)).rejects.toThrow(/more than 4194304 bytes|aborted/);
  });

  it('is watched from the submission that is known, which is not told again', async () => {
    consul.onAsked = (asked) => asked.answer(200, 7, kvBody('a', 7));
    const known = await source().fetch(signal);
    const told: SourcedPlan[] = [];
    const failed: TuttiError[] = [];
    consul.onAsked = () => undefined;
    end = source().watch!(known.submissionId, { onPlan: (plan) => told.push(plan), onFailure: (e) => failed.push(e) });
    await vi.waitFor(() => expect(consul.asked).toHaveLength(2), { timeout: 10_000, interval: 5 });
    expect(consul.asked[1]!.query.get('index')).toBe('7');
    consul.asked[1]!.answer(200, 8, kvBody('b', 8));
    await vi.waitFor(() => expect(told.map(({ text }) => text)).toEqual(['b']), { timeout: 10_000, interval: 5 });
    expect(failed).toEqual([]);
  });

  it('under another key is watched from its beginning, and a key that is gone is a failure', async () => {
    const failed: TuttiError[] = [];
    end = source('b').watch!('consul-kv:a@7:x', { onPlan: () => undefined, onFailure: (error) => failed.push(error) });
    await vi.waitFor(() => expect(consul.asked).toHaveLength(1), { timeout: 10_000, interval: 5 });
    expect(consul.asked[0]!.query.get('index')).toBe('0');
    consul.asked[0]!.answer(404, 9, '');
    await vi.waitFor(() => expect(failed.map(({ code }) => code)).toEqual(['SOURCE_FAILED']), { timeout: 10_000 });
  });
});
