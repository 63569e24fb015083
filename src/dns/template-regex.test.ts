import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileRegex } from './template-regex.ts';

function match(pattern: string, text: string): readonly string[] | null {
  const regex = compileRegex(pattern);
  if (!regex.ok) throw new Error(regex.problem.message);
  return regex.value.match(text);
}

function problemOf(pattern: string): string {
  const regex = compileRegex(pattern);
  return regex.ok ? 'none' : regex.problem.message;
}

describe('regular expressions of Go', () => {
  test.each([
    ['(.*)-(us-west-1)\\.example\\.org', 'ftp-us-west-1.example.org.', ['ftp-us-west-1.example.org', 'ftp', 'us-west-1']],
    ['^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)[.]example[.]$', 'ip-10-20.example.', ['ip-10-20.example.', '10', '20']],
    ['(^|[.])ip-(\\d+)', 'a.ip-7', ['.ip-7', '.', '7']],
    ['(a+?)(a*)', 'aaa', ['aaa', 'a', 'aa']],
    ['(?U)(a+)(a*)', 'aaa', ['a', 'a', '']],
    ['a|ab', 'ab', ['a']],
    ['(?i)WEB', 'my-web', ['web']],
    ['(?i:W)eb', 'web', ['web']],
    ['[[:digit:]]{2,3}', 'a1234', ['123']],
    ['[^[:^digit:]]+', 'ab12', ['12']],
    ['x{2}', 'axxx', ['xx']],
    ['(ab){1,}c', 'ababc', ['ababc', 'ab']],
    ['\\Qa.b\\E', 'axb-a.b', ['a.b']],
    ['\\bweb\\b', 'a.web.b', ['web']],
    ['\\Bb', 'ab', ['b']],
    ['\\x61\\x{62}\\143', 'abc', ['abc']],
    ['[a-c\\-]+', 'z-abc', ['-abc']],
    ['[]a]+', 'x]a', [']a']],
    ['(?:a|b)*', '', ['']],
    ['(a*)*', 'aab', ['aa', 'aa']],
    ['a{,2}', 'a{,2}', ['a{,2}']],
    ['$', 'ab', ['']],
    ['(?m)^b$', 'a\nb\nc', ['b']],
    ['a.c', 'a\nc', null],
    ['(?s)a.c', 'a\nc', ['a\nc']],
    ['nothing', 'else', null],
  ])('%s on %j', (pattern, text, expected) => {
    expect(match(pattern, text)).toEqual(expected);
  });

  test('knows groups by name, written the old way and the new', () => {
    const regex = compileRegex('(?P<a>x)(y)(?<b>z)');
    expect(regex.ok && [...regex.value.groups]).toEqual([
      ['a', 1],
      ['b', 3],
    ]);
  });

  test.each([
    ['(?=a)', /no kind of group/],
    ['(?<!a)b', /no kind of group/],
    ['(a)\\1', /\\1 is not supported/],
    ['\\pL', /\\p is not supported/],
    ['(a', /\( without its \)/],
    ['a)', /\) without its \(/],
    ['[a', /\[ without its \]/],
    ['[z-a]', /no order/],
    ['*a', /nothing to repeat/],
    ['a**', /one repetition follows another/],
    ['a{1001}', /none from 0 to 1000/],
    ['(?P<a>x)(?P<a>y)', /two groups have the name a/],
    ['[[:wrong:]]', /no class of characters/],
    ['((a{100}){100}){100}', /too big/],
    ['('.repeat(200), /nested deeper|without its/],
  ])('refuses %s', (pattern, message) => {
    expect(problemOf(pattern)).toMatch(message);
  });

  test.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)(.*)(.*)(.*)(.*)x', '([a-z]+)*[0-9]'])(
    'no name can make %s run for long',
    (pattern) => {
      const regex = compileRegex(pattern);
      if (!regex.ok) throw new Error(regex.problem.message);
      const before = performance.now();
      expect(regex.value.match(`${'a'.repeat(1000)}!`)).toBeNull();
      expect(performance.now() - before).toBeLessThan(2000);
    },
  );

  test('a text that is longer than any name does not match', () => {
    expect(match('a', 'a'.repeat(1025))).toBeNull();
  });

  test('agrees with the engine of JavaScript where both speak the same language', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a)', '(?:b)', '(a|b)', '(ab|a)', '\\w', '^', '$', '\\b');
    const piece = fc
      .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '{1,2}'))
      .map(([one, times]) => (/^[\^$]|^\\b/.test(one) ? one : one + times));
    const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (expression, subject) => {
        const theirs = new RegExp(expression).exec(subject);
        expect(match(expression, subject)).toEqual(theirs === null ? null : Array.from(theirs, (part) => part ?? ''));
      }),
      { numRuns: 2000 },
    );
  });

  test('any text is compiled or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab()[]{}*+?|\\^$.,-:12P<>=Qimx'), maxLength: 12 }), (pattern) => {
        const regex = compileRegex(pattern);
        const found = regex.ok ? regex.value.match('abab12') : null;
        expect(found === null || 'abab12'.includes(found[0] ?? '?')).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
