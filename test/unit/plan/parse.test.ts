import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../node/src/plan/plan.ts';
import { example, minimal, planOf, problemsOf, changed } from './a-plan.ts';

describe('a plan that is right', () => {
  test('gets the defaults of the Rust schema (1.3, 1.6, 1.7)', () => {
    expect(planOf(minimal)).toEqual({
      version: '1.0',
      metadata: { name: null, description: null, author: null, tags: [], tenant: null, runId: null },
      baseUrl: 'http://shop.example',
      timeoutMs: 30_000,
      durationMs: 10_000,
      workers: 10,
      skipTlsVerify: false,
      headers: [],
      resolve: null,
      pool: { maxIdlePerHost: 32, idleTimeoutMs: 30_000 },
      load: { model: 'concurrent' },
      scenarios: [
        {
          name: 'look',
          weight: 1,
          steps: [
            {
              name: 'Step 1',
              method: 'GET',
              path: '/',
              queryParams: [],
              headers: [],
              body: null,
              bodyBytes: null,
              extract: [],
              assertions: [],
              thinkTime: null,
            },
          ],
        },
      ],
    } satisfies Plan);
  });

  test('keeps workers open in the model rps, where they are derived from the rate', () => {
    const plan = planOf(changed('{model: concurrent}', '{model: rps, target: 2.5}'));
    expect([plan.workers, plan.load]).toEqual([null, { model: 'rps', ratePerSecond: 2.5 }]);
  });

  test('survives the pipe to a child process unchanged', () => {
    const plan = planOf(example('checkout.yaml'));
    expect(structuredClone(plan)).toEqual(plan);
  });

  test('takes every key of the schema', () => {
    const plan = planOf(`version: 1.0
metadata: {name: n, description: d, author: a, tags: [x], tenant: t, run_id: r}
config:
  baseUrl: https://shop.example/api
  timeout: 1.5s
  workers: 7
  duration: 1h30m
  skipTlsVerify: true
  customHeaders: 'Accept:a\\,b, X-Id : 7'
  resolveTargetAddr: 'shop.example:[::1]:8443'
  pool: {maxIdlePerHost: 5, idleTimeoutSecs: 6}
load: {model: rps, target: 60}
scenarios:
  - name: all
    weight: 0.5
    steps:
      - name: first
        request:
          method: post
          path: /a
          queryParams: {page: 1.50, on: true}
          headers: {X-Number: 007}
          bodySize: 2KB
        extract: [{type: jsonPath, name: id, jsonPath: '$.id'}]
        assertions:
          - {type: statusCode, expected: 201}
          - {type: responseTime, max: 250ms}
          - {type: jsonPath, path: '$.a', expected: 1.50}
          - {type: jsonPath, path: '$.b'}
          - {type: bodyContains, text: ok}
          - {type: bodyMatches, regex: '(?i)ok\\d'}
          - {type: headerExists, header: ETag}
        thinkTime: {min: 100ms, max: 1}
      - request: {method: PUT, path: 'https://other.example/\${id}', body: '\${user}'}
        thinkTime: 2
`);
    expect(plan).toMatchObject({
      metadata: { name: 'n', description: 'd', author: 'a', tags: ['x'], tenant: 't', runId: 'r' },
      baseUrl: 'https://shop.example/api',
      timeoutMs: 1500,
      workers: 7,
      durationMs: 5_400_000,
      skipTlsVerify: true,
      headers: [
        { name: 'Accept', value: 'a,b' },
        { name: 'X-Id', value: '7' },
      ],
      resolve: { host: 'shop.example', address: '::1', port: 8443 },
      pool: { maxIdlePerHost: 5, idleTimeoutMs: 6000 },
    });
    const [first, second] = plan.scenarios[0]!.steps;
    expect(first).toMatchObject({
      method: 'POST',
      queryParams: [
        { name: 'page', value: '1.50' },
        { name: 'on', value: 'true' },
      ],
      headers: [{ name: 'X-Number', value: '007' }],
      bodyBytes: 2048,
      thinkTime: { minMs: 100, maxMs: 1000 },
    });
    expect(first!.assertions).toEqual([
      { type: 'statusCode', expected: 201 },
      { type: 'responseTime', maxMs: 250 },
      { type: 'jsonPath', path: '$.a', expected: '1.50' },
      { type: 'jsonPath', path: '$.b', expected: null },
      { type: 'bodyContains', text: 'ok' },
      { type: 'bodyMatches', regex: '(?i)ok\\d' },
      { type: 'headerExists', header: 'ETag' },
    ]);
    expect(second).toMatchObject({ name: 'Step 2', body: '${user}', thinkTime: { minMs: 2000, maxMs: 2000 } });
  });

  test.each(['minimal.yaml', 'checkout.yaml'])('examples/%s is one', (name) => {
    expect(problemsOf(example(name))).toEqual([]);
  });

  test('may use anchors and aliases', () => {
    const text = minimal.replace(
      'path: /}',
      'path: /, headers: &h {A: b}}\n      - request: {method: GET, path: /x, headers: *h}',
    );
    expect(planOf(text).scenarios[0]!.steps[1]!.headers).toEqual([{ name: 'A', value: 'b' }]);
  });
});
