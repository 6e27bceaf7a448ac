import fc from 'fast-check';
import { query } from 'jsonpath-rfc9535';
import { describe, expect, it } from 'vitest';
import { Origin } from '../../../node/src/generator/http/origin.ts';
import { ResponseParser } from '../../../node/src/generator/http/parser.ts';
import { compileJsonPath, notOne, textOf } from '../../../node/src/generator/scenario/json-path.ts';
import { AnswerView, Judge } from '../../../node/src/generator/scenario/judge.ts';
import { seededRandom } from '../../../node/src/generator/scenario/random.ts';
import { RequestTemplate } from '../../../node/src/generator/scenario/request-template.ts';
import { Sleepers } from '../../../node/src/generator/scenario/sleepers.ts';
import { Variables } from '../../../node/src/generator/scenario/variables.ts';
import type { Assertion, Plan, Step } from '../../../node/src/plan/plan.ts';
import { aPlan, aStep } from './fixtures.ts';

const wishes = { isHead: false, keepBody: false, keepHeaders: false };

function someVariables(values: Record<string, string> = {}): Variables {
  let uuids = 0;
  const variables = new Variables({ unixMs: () => 1_700_000_000_123, uuid: () => `uuid-${++uuids}` });
  variables.begin(17, 4);
  for (const [name, value] of Object.entries(values)) variables.set(name, value);
  return variables;
}

/** The request as text, or null; `to` the origin it goes to. */
function render(step: Partial<Step>, values: Record<string, string> = {}, plan: Partial<Plan> = {}) {
  const template = new RequestTemplate(
    aPlan({ baseUrl: 'http://shop.example:8080/api/', ...plan }),
    aStep(step),
    wishes,
    (url) => new Origin(url),
  );
  const request = template.render(someVariables(values), seededRandom(1));
  return request === null ? null : { text: request.bytes.toString('latin1'), to: request.origin.authority };
}
const requestLine = (step: Partial<Step>, values: Record<string, string> = {}) =>
  render(step, values)?.text.split('\r\n')[0] ?? null;

describe('requests', () => {
  it('writes method, joined path, Host, the usual headers and nothing else for a plain GET', () => {
    expect(render({ path: '/items' })!.text).toBe(
      'GET /api/items HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: tutti\r\nAccept: */*\r\n\r\n',
    );
  });

  it("a step's header replaces the plan's of the same name, in any case, Host included", () => {
    const { text } = render(
      {
        headers: [
          { name: 'x-tenant', value: 'own ${iteration}' },
          { name: 'Host', value: 'other.example' },
        ],
      },
      {},
      {
        headers: [
          { name: 'X-Tenant', value: 'general' },
          { name: 'X-All', value: '1' },
        ],
      },
    )!;
    expect(text).toContain('X-All: 1\r\nx-tenant: own 17\r\nHost: other.example\r\n');
    expect(text).not.toContain('general');
    expect(text).not.toContain('Host: shop.example');
  });

  it('joins with exactly one slash, appends queries percent-encoded, keeps a query of the path', () => {
    expect(requestLine({ path: 'a//b' })).toBe('GET /api/a//b HTTP/1.1');
    expect(requestLine({ path: '//a?x=1', queryParams: [{ name: 'q r', value: '${v}' }] }, { v: 'ö&=' })).toBe(
      'GET /api/a?x=1&q%20r=%C3%B6%26%3D HTTP/1.1',
    );
    const two = [
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
    ];
    expect(requestLine({ path: '/s', queryParams: two })).toBe('GET /api/s?a=1&b=2 HTTP/1.1');
  });

  it('a whole URL goes to its own host, also when a variable holds it', () => {
    expect(render({ path: 'https://auth.example/login' })).toMatchObject({ to: 'auth.example' });
    expect(render({ path: '${next}' }, { next: 'http://cdn.example/x?y=1#z' })).toEqual({
      to: 'cdn.example',
      text: 'GET /x?y=1 HTTP/1.1\r\nHost: cdn.example\r\nUser-Agent: tutti\r\nAccept: */*\r\n\r\n',
    });
  });

  it('a body has its length in bytes; POST without one says zero', () => {
    expect(render({ method: 'POST', body: '{"n":"${n}"}' }, { n: 'é' })!.text).toMatch(
      /Content-Length: 10\r\n\r\n\{"n":"Ã©"\}$/,
    );
    expect(render({ method: 'POST' })!.text).toMatch(/Content-Length: 0\r\n\r\n$/);
    expect(render({ method: 'DELETE' })!.text).not.toContain('Content-Length');
    expect(render({ method: 'PUT', bodyBytes: 1000 })!.text).toMatch(/Content-Length: 1000\r\n\r\n[A-Za-z0-9]{1000}$/);
  });

  it('a variable that no step has set makes no request', () => {
    expect(render({ path: '/items/${id}' })).toBeNull();
    expect(render({ body: '${id}' })).toBeNull();
    expect(render({ queryParams: [{ name: 'a', value: '${id}' }] })).toBeNull();
    expect(render({ headers: [{ name: 'a', value: '${id}' }] })).toBeNull();
  });

  it('no variable can add a header or a request', () => {
    expect(render({ headers: [{ name: 'a', value: '${v}' }] }, { v: 'x\r\nEvil: 1' })).toBeNull();
    expect(requestLine({ path: '/${v}' }, { v: 'x HTTP/1.1\r\nEvil: 1\r\n\r\n' })).toBe(
      'GET /api/x%20HTTP/1.1%0D%0AEvil:%201%0D%0A%0D%0A HTTP/1.1',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (v) => {
        const request = render({ path: '/p${v}', headers: [{ name: 'H', value: '${v}' }] }, { v });
        expect(request === null || request.text.split('\r\n').length === 7).toBe(true);
      }),
    );
  });

  it('built-in variables: one uuid per iteration, time of use, numbers of iteration and user', () => {
    expect(requestLine({ path: '/${iteration}/${user}/${timestamp}/${uuid}/${uuid}' })).toBe(
      'GET /api/17/4/1700000000123/uuid-1/uuid-1 HTTP/1.1',
    );
  });
});

describe('JSONPath', () => {
  const document = { a: { b: [{ 'c d': null }, 2], n: '' }, 'x-y': true };

  it('the fast walk finds what the library finds, and nothing where it finds nothing', () => {
    const names = fc.constantFrom(
      '.a',
      '.b',
      '.n',
      '.toString',
      "['c d']",
      '["x-y"]',
      '[0]',
      '[1]',
      '[-1]',
      '[-3]',
      '[7]',
    );
    fc.assert(
      fc.property(fc.array(names, { maxLength: 4 }), (segments) => {
        const path = `$${segments.join('')}`;
        const found: readonly unknown[] = query(document, path);
        expect(compileJsonPath(path)(document)).toEqual(found.length === 1 ? found[0] : notOne);
      }),
    );
  });

  it('other paths go through the library and must match exactly one node', () => {
    expect(compileJsonPath('$.a.b[?@ == 2]')(document)).toBe(2);
    expect(compileJsonPath('$.a.b[*]')(document)).toBe(notOne);
    expect(compileJsonPath("$['x\\u002dy']")(document)).toBe(true);
  });

  it('strings stay raw, everything else becomes JSON text', () => {
    expect(['a"b', 1.5, true, null, { x: [1] }].map(textOf)).toEqual(['a"b', '1.5', 'true', 'null', '{"x":[1]}']);
  });
});

describe('success of a step', () => {
  function judged(assertions: readonly Assertion[], status = 200, body = '{"ok":true,"id":"i7"}', responseMs = 5) {
    const judge = new Judge(aStep({ assertions }));
    const answer = new ResponseParser();
    answer.begin({ isHead: false, keepBody: true, keepHeaders: true });
    const bytes = Buffer.from(`HTTP/1.1 ${status} X\r\nX-Trace: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    answer.push(bytes, 0, bytes.length);
    const failures = judge.failures(new AnswerView(answer, responseMs, someVariables({ id: 'i7' })));
    return [failures, judge.verdict(status, failures)];
  }
  const status = (expected: number): Assertion => ({ type: 'statusCode', expected });

  it('is 2xx or 3xx with all assertions passed', () => {
    expect([200, 302, 404, 503].map((code) => judged([], code)[1])).toEqual([
      null,
      null,
      'client_error',
      'server_error',
    ]);
  });

  it('a status a statusCode assertion names is the expected one; the answer fails before what was asserted', () => {
    expect(judged([status(404)], 404)).toEqual([0, null]);
    expect(judged([status(404)], 200)).toEqual([1, 'assertion_failed']);
    expect(judged([status(200)], 500)).toEqual([1, 'server_error']);
  });

  it.each<[Assertion, Assertion]>([
    [
      { type: 'responseTime', maxMs: 5 },
      { type: 'responseTime', maxMs: 4 },
    ],
    [
      { type: 'bodyContains', text: '"ok":' },
      { type: 'bodyContains', text: 'nok' },
    ],
    [
      { type: 'bodyMatches', regex: '(?i)"OK":\\s*TRUE' },
      { type: 'bodyMatches', regex: '^ok' },
    ],
    [
      { type: 'headerExists', header: 'x-TRACE' },
      { type: 'headerExists', header: 'x-trac' },
    ],
    [
      { type: 'jsonPath', path: '$.ok', expected: 'true' },
      { type: 'jsonPath', path: '$.ok', expected: 'false' },
    ],
    [
      { type: 'jsonPath', path: '$.id', expected: '${id}' },
      { type: 'jsonPath', path: '$.id', expected: '${unset}' },
    ],
    [
      { type: 'jsonPath', path: '$.id', expected: null },
      { type: 'jsonPath', path: '$.none', expected: null },
    ],
  ])('%j passes, %j fails and is counted', (passes, fails) => {
    expect(judged([passes])).toEqual([0, null]);
    expect(judged([fails, passes])).toEqual([1, 'assertion_failed']);
  });

  it('a regular expression takes no longer than the body is long', () => {
    const body = `${'a'.repeat(28)}!`;
    const startedMs = performance.now();
    expect(judged([{ type: 'bodyMatches', regex: '(a+)+$' }], 200, body)).toEqual([1, 'assertion_failed']);
    // An engine that tries every way there is takes 17 s, and twice that for each further letter.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('a body that is not JSON fails what asks for JSON, quietly', () => {
    expect(judged([{ type: 'jsonPath', path: '$', expected: null }], 200, '<html>')).toEqual([1, 'assertion_failed']);
  });
});

describe('Sleepers', () => {
  it('gives back all that is due, soonest first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 0, max: 60 }), (instants, nowMs) => {
        const sleepers = new Sleepers<number>();
        for (const instant of instants) sleepers.add(instant, instant);
        const due: number[] = [];
        for (let next = sleepers.takeDue(nowMs); next !== null; next = sleepers.takeDue(nowMs)) due.push(next);
        expect(due).toEqual(instants.filter((instant) => instant <= nowMs).sort((a, b) => a - b));
        expect(sleepers.soonestMs).toBe(Math.min(Infinity, ...instants.filter((instant) => instant > nowMs)));
      }),
    );
  });
});
