import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isVariableName, parseTemplate, scanTemplate, variablesOf } from '../../../node/src/plan/template.ts';

test.each([
  ['', []],
  ['plain', ['plain']],
  ['${a}', [{ variable: 'a' }]],
  ['/x/${a}${b-1}/y', ['/x/', { variable: 'a' }, { variable: 'b-1' }, '/y']],
  ['$a $ {a} $$ }', ['$a $ {a} $$ }']],
  ['$${a}', ['${a}']],
  ['1 $${ 2 ${a}', ['1 ${ 2 ', { variable: 'a' }]],
  ['$$${a}', ['$${a}']],
])('%s splits into %j', (text, parts) => {
  expect(parseTemplate(text)).toEqual(parts);
});

test.each(['${', 'x${a', '${}', '${a b}', '${1}', '${a.b}', '${${a}}'])('%s is refused', (text) => {
  expect(scanTemplate(text).faults).toHaveLength(1);
  expect(() => parseTemplate(text)).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }));
});

test('a variable counts once however often it is used', () => {
  expect(variablesOf(parseTemplate('${a}${b}${a}'))).toEqual(['a', 'b']);
});

test('text with every ${ written as $${ comes out as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', ' ') }), (text) => {
      // A dollar just before would join the escape, so such texts are left out.
      fc.pre(!text.includes('$${'));
      expect(parseTemplate(text.replaceAll('${', () => '$${'))).toEqual(text === '' ? [] : [text]);
    }),
  );
});

test('a template without faults has proper variables only', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'a', '-', '1') }), (text) => {
      const { parts, faults } = scanTemplate(text);
      if (faults.length === 0) expect(variablesOf(parts).every(isVariableName)).toBe(true);
    }),
  );
});
