import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResolveTarget, baseUrlFault, pathFault } from '../../../node/src/plan/addresses.ts';
import { compileRegex, jsonPathFault } from '../../../node/src/plan/expressions.ts';
import { parseCustomHeaders } from '../../../node/src/plan/headers.ts';
import { editDistance, nearest } from '../../../node/src/lib/nearest.ts';
import { formatDurationMs, parseDurationMs, parseSizeBytes } from '../../../node/src/plan/units.ts';

describe('durations', () => {
  test.each([
    [30, 30_000],
    [0.25, 250],
    ['500ms', 500],
    [' 30s ', 30_000],
    ['1.5m', 90_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['0s', 0],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDurationMs(text)).toEqual({ ok: true, value: ms });
  });

  test.each([-1, NaN, Infinity, '', '30', 's', '-1s', '1 s', '30m1h', '1s1s', '1S', '1e3s', '1.s', '1w'])(
    '%j is none',
    (text) => {
      expect(parseDurationMs(text).ok).toBe(false);
    },
  );

  test('what is written out reads back as the same', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 9), (ms) => {
        expect(parseDurationMs(formatDurationMs(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });
});

test.each([
  ['1B', 1],
  ['64 KB', 65_536],
  ['2MB', 2_097_152],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseSizeBytes(text)).toEqual({ ok: true, value: bytes });
});

test.each(['1', '1kb', '1GB', '1.5MB', '-1B', ''])('%j is no size (rust-loadtest.md 1.4)', (text) => {
  expect(parseSizeBytes(text).ok).toBe(false);
});

describe('customHeaders (rust-loadtest.md 1.3)', () => {
  test.each([
    ['A:b', ['A=b']],
    [' A : b , C:d ', ['A=b', 'C=d']],
    ['A:x\\,y,B:c:d', ['A=x,y', 'B=c:d']],
    ['A:back\\slash,,', ['A=back\\slash']],
    ['A:1,B:2,a:3', ['B=2', 'a=3']],
    ['A:', ['A=']],
  ])('%j means %j', (text, expected) => {
    const parsed = parseCustomHeaders(text);
    expect(parsed.ok && parsed.value.map(({ name, value }) => `${name}=${value}`)).toEqual(expected);
  });

  test.each(['A', ':b', 'A:1,B', 'A b:c', 'A:b\r\nEvil: c', 'Content-Length:3', 'A:\u20ac'])(
    '%j is refused',
    (text) => {
      expect(parseCustomHeaders(text).ok).toBe(false);
    },
  );
});

describe('addresses', () => {
  test.each([
    ['Shop.example:10.0.0.7:80', { host: 'shop.example', address: '10.0.0.7', port: 80 }],
    ['shop.example:[fd00::7]:8443', { host: 'shop.example', address: 'fd00::7', port: 8443 }],
  ])('%s overrides the resolver', (text, value) => {
    expect(parseResolveTarget(text)).toEqual({ ok: true, value });
  });

  test.each([
    'a:b:80',
    'a:10.0.0.256:80',
    'a:10.0.0.1:0',
    'a:10.0.0.1:70000',
    'a:::1:80',
    'a:[10.0.0.1]:80',
    'a:10.0.0.1',
    '',
  ])('%j is refused as resolveTargetAddr', (text) => {
    expect(parseResolveTarget(text).ok).toBe(false);
  });

  test.each(['http://a', 'HTTPS://a:8443/api', 'http://[::1]:80'])('%s is a base URL', (text) => {
    expect(baseUrlFault(text)).toBeNull();
  });

  test.each(['a', 'ftp://a', 'http://', 'http://a b', 'http://u:p@a', 'http://a?x=1', 'http://a#x', 'http://${a}'])(
    '%s is no base URL',
    (text) => {
      expect(baseUrlFault(text)).not.toBeNull();
    },
  );

  test.each(['99999', '100000', '0'])('port %s is refused with the range, wherever an address is', (port) => {
    const message = `port ${port} is out of range; use 1 to 65535`;
    expect(parseResolveTarget(`a:10.0.0.1:${port}`)).toEqual({ ok: false, message });
    expect(baseUrlFault(`http://a:${port}`)).toContain(message);
    expect(baseUrlFault(`https://[::1]:${port}/api`)).toContain(message);
    expect(pathFault(`http://a:${port}/x`)).toBe(message);
  });

  test.each(['/', 'a/b?c=d', '/${id with blanks is a matter of templates}', 'https://b.example/${id}', '/$${a}'])(
    '%s is a path',
    (text) => {
      expect(pathFault(text)).toBeNull();
    },
  );

  test.each(['/a b', '/a\r\nHost: evil', '/a#b', 'http://', 'http://u@a/', `/${'a'.repeat(9000)}`])(
    '%j is no path',
    (text) => {
      expect(pathFault(text)).not.toBeNull();
    },
  );
});

describe('expressions', () => {
  test('flags in front of a regex work as in the Rust tool', () => {
    const compiled = compileRegex('(?i)^ok$');
    expect(compiled.ok && compiled.value.test('OK')).toBe(true);
    const plain = compileRegex('^ok$');
    expect(plain.ok && plain.value.test('OK')).toBe(false);
  });

  test.each(['(', '[b-a]', '\\q', 'a'.repeat(1001), '(a{1000}){1000}'])('the regex %j is refused', (text) => {
    expect(compileRegex(text).ok).toBe(false);
  });

  test.each(['(?=a)b', '(?!a)b', '(?<=a)b', '(?<!a)b', '(a)\\1'])(
    'what takes no linear time is refused: %s',
    (text) => {
      const compiled = compileRegex(text);
      expect(compiled.ok ? '' : compiled.message).toContain('is no regular expression of RE2');
    },
  );

  test.each(['$', '$.a[0].b', "$..['a b']", '$[?@.price < 10]', '$[?length(@.a) > 1]'])(
    '%s is a JSONPath of RFC 9535',
    (text) => {
      expect(jsonPathFault(text)).toBeNull();
    },
  );

  test.each(['', 'a', '$.', '$.a b', '$.User-Agent', '$[?(@.a]'])('%j is none', (text) => {
    expect(jsonPathFault(text)).not.toBeNull();
  });

  test.each(["$.a[?match(@.b, '(a+)+')]", '$[?!(length(@.a) > 1 && search(@.b, @.c))]'])(
    '%s is refused: its regular expression would be matched by an engine that tries every way there is',
    (text) => {
      expect(jsonPathFault(text)).toMatch(/calls (match|search)\(\), which is not supported yet; use bodyMatches/);
    },
  );

  test("names and texts may look like a call: $['match('][?@.a == 'search(']", () => {
    expect(jsonPathFault("$['match('][?@.a == 'search(']")).toBeNull();
  });

  test('a JSONPath on which the parser would try for minutes is refused at once', () => {
    expect(jsonPathFault(`$[?${'count('.repeat(20)}@.a]`)).toContain('opening parentheses');
  });
});

describe('the nearest key', () => {
  test.each([
    ['tiemout', 'timeout'],
    ['BASEURL', 'baseUrl'],
    ['metod', 'method'],
    ['x', null],
    ['completelyDifferent', null],
  ])('of %s is %s', (written, expected) => {
    expect(nearest(written, ['timeout', 'baseUrl', 'method', 'path'])).toBe(expected);
  });

  test('distance is zero for the same text only, and the same both ways', () => {
    const word = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(word, word, (left, right) => {
        expect(editDistance(left, right)).toBe(editDistance(right, left));
        expect(editDistance(left, right) === 0).toBe(left === right);
      }),
    );
  });
});
