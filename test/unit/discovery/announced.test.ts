import { expect, it } from 'vitest';
import { onceAnnounced } from '../../../node/src/node/discovery/announced.ts';
import type { PlanSource } from '../../../node/src/source/source.ts';

const plan = { text: 'a plan', submissionId: '1' };

function source(asked: string[]): PlanSource {
  return {
    ...{ kind: 'consul-kv', sharedBy: 'cluster', name: 'it' },
    fetch: () => {
      asked.push('fetch');
      return Promise.resolve(plan);
    },
    watch: (since, { onPlan }) => {
      asked.push(`watch since ${since}`);
      onPlan(plan);
      return () => void asked.push('end');
    },
  };
}

const listener = (heard: string[]): Parameters<NonNullable<PlanSource['watch']>>[1] => ({
  onPlan: ({ text }) => void heard.push(text),
  onFailure: () => undefined,
});

it('a source is neither fetched nor watched before the leader’s tag is known', async () => {
  const asked: string[] = [];
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const announced = onceAnnounced(source(asked), () => promise.then(() => undefined));
  const fetched = announced.fetch(new AbortController().signal);
  const end = announced.watch!('0', listener(heard));
  await new Promise((turn) => setImmediate(turn));
  expect(asked).toEqual([]);
  resolve(undefined);
  expect(await fetched).toEqual(plan);
  expect([asked.sort(), heard]).toEqual([['fetch', 'watch since 0'], ['a plan']]);
  end();
  expect(asked).toContain('end');
});

it('a watch that ended before that never begins, and a source that cannot be watched still cannot', async () => {
  const asked: string[] = [];
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const end = onceAnnounced(source(asked), () => promise.then(() => undefined)).watch!(null, listener([]));
  end();
  resolve(undefined);
  await new Promise((turn) => setImmediate(turn));
  expect(asked).toEqual([]);
  expect(onceAnnounced({ ...source(asked), watch: null }, () => promise.then(() => undefined)).watch).toBeNull();
});
