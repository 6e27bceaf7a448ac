import { describe, expect, test } from 'vitest';
import { describePlanProblems } from '../../../node/src/plan/describe.ts';
import { parsePlan } from '../../../node/src/plan/parse.ts';
import { planLimits } from '../../../node/src/plan/limits.ts';
import { minimal, problemsOf, changed, inStep } from './a-plan.ts';

describe('bad input (issue: "What bad input gets")', () => {
  test.each([
    [
      'a wrong type',
      changed('10s', '10s\n  workers: "20"'),
      '5:12 config.workers: expected a whole number from 1 to 10000, found the text "20"; remove the quotes',
    ],
    [
      'an unknown key',
      changed('  duration', '  tiemout: 3s\n  duration'),
      '4:3 config.tiemout: unknown key "tiemout"; did you mean "timeout"?',
    ],
    [
      'an unknown key like no other',
      changed('load:', 'webhooks: {}\nload:'),
      '5:1 webhooks: unknown key "webhooks"; known here: version, metadata, config, load, scenarios',
    ],
    [
      'a missing field, at its parent',
      changed('method: GET, ', ''),
      '9:9 scenarios[0].steps[0].request.method: is missing; add "method", one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS',
    ],
    [
      'a value out of range',
      changed('duration: 10s', 'duration: 0'),
      '4:13 config.duration: 0 is out of range; use 1ms to 24d',
    ],
    [
      'a bad method',
      changed('GET', 'GTE'),
      '9:27 scenarios[0].steps[0].request.method: expected one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, found the text "GTE"; did you mean "GET"?',
    ],
    [
      'a bad duration',
      changed('10s', '10x'),
      '4:13 config.duration: "10x" is not a duration: seconds as a number, or text such as "500ms", "30s", "1.5m", "1h30m", "2d"',
    ],
    [
      'a duration without a unit',
      changed('10s', '"10"'),
      '4:13 config.duration: "10" has no unit; write 10s, 10ms or 10m, or the bare number for seconds',
    ],
    ['another version', changed('"1.0"', '"2.0"'), '1:10 version: expected "1.0", found the text "2.0"'],
    [
      'a bad model',
      changed('model: concurrent', 'model: rsp'),
      '5:15 load.model: expected one of concurrent, rps, found the text "rsp"; did you mean "rps"?',
    ],
    ['an empty value', changed(' {model: concurrent}', ''), '5:1 load: is empty; expected a mapping with a model'],
    [
      'a bad regex',
      inStep("assertions: [{type: bodyMatches, regex: 'a('}]"),
      '10:49 scenarios[0].steps[0].assertions[0].regex: "a(" is no regular expression of RE2: missing closing ): `a(`',
    ],
    [
      'a bad JSONPath',
      inStep('extract: [{type: jsonPath, name: x, jsonPath: a.b}]'),
      '10:55 scenarios[0].steps[0].extract[0].jsonPath: "a.b" is not a JSONPath (RFC 9535): Expected "$" but "a" found.; it starts with $, for example $.items[0].id',
    ],
    [
      'two scenarios of one name',
      `${minimal}  - name: look\n    steps: [{request: {method: GET, path: /}}]\n`,
      '10:11 scenarios[1].name: "look" is also the name of number 1 of this list; give each its own name',
    ],
    [
      'two steps of one name',
      `${inStep('name: Step 2')}      - request: {method: GET, path: /}\n`,
      '11:9 scenarios[0].steps[1].name: "Step 2" is also the name of number 1 of this list; give each its own name',
    ],
    [
      'body beside bodySize',
      changed('path: /', 'path: /, body: x, bodySize: 1KB'),
      '9:50 scenarios[0].steps[0].request.bodySize: stands beside body; a request has one body, so remove one',
    ],
    [
      'a variable that nobody sets',
      changed('path: /', 'path: "/${tokn}"'),
      '9:40 scenarios[0].steps[0].request.path: ${tokn} is set by no earlier step of the scenario; known here: timestamp, iteration, uuid, user',
    ],
    [
      'a variable set too late',
      `${changed('path: /', 'path: "/${id}"')}        extract: [{type: jsonPath, name: id, jsonPath: $.id}]\n`,
      '9:40 scenarios[0].steps[0].request.path: ${id} is set by no earlier step of the scenario; only step 1 extracts it, which is not before this one; use it in a later step',
    ],
    [
      'an open template',
      changed('path: /', 'path: "/a${b"'),
      '9:41 scenarios[0].steps[0].request.path: "${b" has no closing brace; write ${name}, or $${ for a literal ${',
    ],
    [
      'a think time the wrong way round',
      inStep('thinkTime: {min: 2s, max: 1s}'),
      '10:26 scenarios[0].steps[0].thinkTime.min: is longer than max; swap them',
    ],
    [
      'a bad think time',
      inStep('thinkTime: {min: 2x, max: 1s}'),
      '10:26 scenarios[0].steps[0].thinkTime.min: "2x" is not a duration: seconds as a number, or text such as "500ms", "30s", "1.5m", "1h30m", "2d"',
    ],
    [
      'the short form of an assertion',
      inStep('assertions: [{statusCode: 200}]'),
      '10:22 scenarios[0].steps[0].assertions[0].type: is missing; write "type: statusCode", for example {type: statusCode, expected: 200}',
    ],
    [
      'a header that breaks the message',
      changed('path: /', 'path: /, headers: {X: "a\\nEvil: b"}'),
      '9:51 scenarios[0].steps[0].request.headers.X: the value of X has a line break or control character in it; write it on one line',
    ],
    [
      'a header the client writes',
      changed('path: /', 'path: /, headers: {content-length: 3}'),
      '9:51 scenarios[0].steps[0].request.headers.content-length: content-length is set by tutti from the body; remove it',
    ],
    [
      'a wildcard that is none',
      inStep("assertions: [{type: jsonPath, path: $.a, expected: '*'}]"),
      '10:60 scenarios[0].steps[0].assertions[0].expected: "*" is no wildcard; remove "expected" to assert only that the path exists',
    ],
    [
      'a key that stands twice',
      changed('load:', 'version: "1.0"\nload:'),
      '5:1 version: "version" stands here twice; remove one of them',
    ],
    [
      'a merge key',
      changed('load:', '<<: {}\nload:'),
      '5:1 <<: merge keys (<<) are not supported yet; write the keys out',
    ],
  ])('%s is refused with its place and a remedy', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  test.each([
    ['no text', '', '1:1: is empty; expected a mapping with version, config, load and scenarios'],
    ['a list', '- a', '1:1: expected a mapping with version, config, load and scenarios, found a list'],
    [
      'two documents',
      `${minimal}---\na: 1\n`,
      '10:1: a second document starts here; a plan is one document, so remove "---"',
    ],
    [
      'a tag',
      'a: !secret x',
      '1:4: not valid YAML: Unresolved tag: !secret; put text that begins with ! into quotes, or remove the tag',
    ],
    ['an open quote', 'a: "b\n', '1:4: not valid YAML: the " here is never closed; write " where it ends'],
    [
      'an open quote on the first line, with lines and quotes after it',
      minimal.replace('"1.0"', '"1.0'),
      '1:10: not valid YAML: the " here is never closed; write " where it ends',
    ],
    [
      'an open single quote',
      "version: '1.0\nconfig:\n  baseUrl: it''s\n",
      "1:10: not valid YAML: the ' here is never closed; write ' where it ends",
    ],
    [
      'an open quote at the very end',
      'a: 1\nb: "',
      '2:4: not valid YAML: the " here is never closed; write " where it ends',
    ],
    [
      'a quote whose end is escaped',
      'a: 1\nb: "x\\"\nc: 1\n',
      '2:4: not valid YAML: the " here is never closed; write " where it ends',
    ],
    [
      'an open quote between braces, which stay open with it',
      'a: { b: "x, c: 5s }\nd:\n  e: rps\n',
      '1:9: not valid YAML: the " here is never closed; write " where it ends',
    ],
    ['an open key', '"version: 1\nload: 2\n', '1:1: not valid YAML: the " here is never closed; write " where it ends'],
    [
      'an open brace',
      'a: 1\nb: { c: 1, d: [2]\ne: 3\n',
      '2:4: not valid YAML: the { here is not closed, or its } stands too far to the left; write } where it ends',
    ],
    [
      'an open bracket within one that is closed',
      'a: 1\nb: { c: [1, 2 }\ne: 3\n',
      '2:9: not valid YAML: the [ here is not closed, or its ] stands too far to the left; write ] where it ends',
    ],
    [
      'a brace that is closed too far to the left',
      'a:\n  b: {\n    c: 1\n}\n',
      '2:6: not valid YAML: the { here is not closed, or its } stands too far to the left; write } where it ends',
    ],
    [
      'a template without quotes between braces',
      changed('path: /', 'path: /${user}'),
      '9:40: not valid YAML: Unexpected flow-map-start at node end; put text with ${...} into quotes, which { } and [ ] demand',
    ],
    ['too much text', ' '.repeat(planLimits.textBytes + 1), '1:1: a plan is at most 1 MiB of text; make it shorter'],
    [
      'too many bytes in fewer characters',
      'ä'.repeat(planLimits.textBytes - 1),
      '1:1: a plan is at most 1 MiB of text; make it shorter',
    ],
    ['nesting without end', '['.repeat(5000), '1:66: nested deeper than 64 levels; a plan needs nine'],
    ['signs without end', '- '.repeat(200_000), '1:1: more than 150000 words and signs of YAML; make the plan smaller'],
  ])('%s is no plan', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });

  test('everything is reported at once, in the order of the text, whatever else is wrong beside it', () => {
    const text = `version: 3
config: {baseUrl: shop, duration: -1, wrokers: 3}
load: {model: rps, target: 0}
scenarios:
  - name: a
    weight: 0
    steps:
      - request: {path: '/\${x}'}
        assertions: [{type: statusCode, expected: "200"}, {type: nope}]
  - name: a
`;
    const fields = problemsOf(text).map((line) => line.split(': ')[0]);
    expect(fields).toEqual([
      '1:10 version',
      '2:19 config.baseUrl',
      '2:35 config.duration',
      '2:39 config.wrokers',
      '3:28 load.target',
      '6:13 scenarios[0].weight',
      '8:9 scenarios[0].steps[0].request.method',
      '8:27 scenarios[0].steps[0].request.path',
      '9:51 scenarios[0].steps[0].assertions[0].expected',
      '9:66 scenarios[0].steps[0].assertions[1].type',
      '10:5 scenarios[1].steps',
      '10:11 scenarios[1].name',
    ]);
  });

  test('an alias inside what it names, an unknown one and __proto__ are problems, not crashes', () => {
    const lines = problemsOf('version: &x [*x]\nconfig: *q\n__proto__: 3\n');
    expect(lines).toContain('1:14 version[0]: *x stands inside what it names; write the value out');
    expect(lines).toContain('2:9 config: *q names no anchor; write &q before it');
    expect(lines).toContain('3:1 __proto__: no mapping may have this key; rename it');
  });

  test('aliases that multiply ("billion laughs") stop at the bound', () => {
    const doublings = Array.from({ length: 40 }, (_, level) => `  - &a${level + 1} [*a${level}, *a${level}]`);
    const lines = problemsOf(['load:', '  - &a0 x', ...doublings].join('\n'));
    expect(lines.join('\n')).toContain('more than 50000 values, aliases written out');
  });

  test('a long list of problems ends with the count of the rest', () => {
    const keys = Array.from({ length: 150 }, (_, index) => `unknown${index}: 1\n`).join('');
    const result = parsePlan(minimal + keys);
    expect(result.ok ? [] : result.problems).toHaveLength(planLimits.problems + 1);
    expect(problemsOf(minimal + keys).at(-1)).toBe('109:1: 50 further problems are not listed; correct these first');
  });

  test('100 different regular expressions are enough for any plan; the same one again is none', () => {
    const step = (name: string, from: number): string =>
      `      - name: ${name}\n        request: {method: GET, path: /}\n        assertions:\n${Array.from(
        { length: 51 },
        (_, index) => `          - {type: bodyMatches, regex: 'a${from + index}'}\n`,
      ).join('')}`;
    expect(problemsOf(minimal + step('b', 0) + step('c', 0))).toEqual([]);
    expect(problemsOf(minimal + step('b', 0) + step('c', 51))).toEqual([
      expect.stringContaining(
        'scenarios[0].steps[2].assertions[49].regex: is the 101st different regular expression of the plan; at most 100 are allowed',
      ),
    ]);
  });

  test('the closing line counts the problems', () => {
    const result = parsePlan('a: 1');
    const text = describePlanProblems('a.yaml', result.ok ? [] : result.problems);
    expect(text.split('\n').at(-1)).toBe('5 problems in a.yaml; no load was sent.');
    expect(describePlanProblems('a.yaml', result.ok ? [] : result.problems.slice(0, 1))).toContain(
      '\n1 problem in a.yaml',
    );
  });
});
