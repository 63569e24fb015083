import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { problemsOf, readText } from './corefile.fixture.ts';
import { fillVariables, lexCorefile } from './corefile-lex.ts';

describe('what is wrong with a Corefile', () => {
  test('is told all at once, with file, line, directive and value', () => {
    const text = `. {
  errors
  etcd skydns.local
  frward . 10.0.0.1
  cache x..y
  forward . 10.0.0.1 {
    max_fails many
  }
}
example.org {
  bufsize 1
}
`;
    expect(problemsOf(text)).toEqual([
      'Corefile:3: the plugin etcd is not supported',
      expect.stringMatching(/^Corefile:4: unknown directive "frward"; there are acl, any, autopath, /),
      'Corefile:5: cache: "x..y" is neither a zone nor a prefix',
      'Corefile:7: forward: max_fails must be a whole number from 0 to 2147483647, not "many"',
      'Corefile:11: bufsize: the size must be a whole number from 512 to 4096, not "1"',
    ]);
  });

  test('in a block of several ports is told once', () => {
    expect(problemsOf('.:53 .:54 {\n  bufsize 1\n}')).toHaveLength(1);
  });

  test.each([
    ['', 'Corefile: there is no server block'],
    ['# nothing', 'Corefile: there is no server block'],
    ['. {\n  loop\n', 'Corefile:1: the brace is not closed'],
    ['. {\n}\n}\n', 'Corefile:3: found } where the zone of a server block is needed'],
    ['.\nloop\n}\n', 'Corefile:3: there is no brace to be closed'],
    ['. {\n  { \n }\n}', 'Corefile:2: a directive is missing before the brace'],
    ['. {\n  log "a\n}\n', 'Corefile:2: the quotation mark is not closed'],
    ['. {\n}\nb.test\nloop', 'Corefile:3: the server block b.test has no opening brace'],
    ['(a) {\n loop', 'Corefile:1: the snippet a has no closing brace'],
    ['(a) {\n}\n(a) {\n}\n. {\n}', 'Corefile:3: there are two snippets a'],
    ['. {\n  import\n}', 'Corefile:2: import: the name of a snippet or file is missing'],
    ['(a) {\n}\n. {\n  import a b\n}', 'Corefile:4: import: arguments such as "b" are not supported'],
    ['.:99999 {\n}', 'Corefile:1: ".:99999" has no port from 1 to 65535'],
    ['a..b {\n}', 'Corefile:1: "a..b" is neither a zone nor a prefix'],
  ])('%j', (text, message) => {
    expect(problemsOf(text)[0]).toBe(message);
  });
});

describe('words', () => {
  const words = (text: string): readonly string[] => lexCorefile(text, 'f').tokens.map((token) => token.text);

  test('are split at blanks, quoted, commented and counted', () => {
    expect(words('a  b\t"c d" # e\nf#g\n"x\\"y\\d" {$H} "a#b"')).toEqual(['a', 'b', 'c d', 'f', 'x"y\\d', '{$H}', 'a#b']);
    expect(words('\uFEFFa')).toEqual(['a']);
    expect(words('a"b c"d ""')).toEqual(['a"b', 'c"d', '']);
    expect(lexCorefile('a\n"b\nc" d\ne', 'f').tokens.map(({ line, first }) => [line, first])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, true],
    ]);
  });

  test('variables of templates are not those of the environment', () => {
    expect(fillVariables('{{ .Name }} {$A}{%B%} {$C}', { A: '1', B: '2' })).toBe('{{ .Name }} 12 ');
  });

  test('no text makes the reader throw or run for long', () => {
    const unit = fc.constantFrom(
      '.',
      ' ',
      '\n',
      '{',
      '}',
      '"',
      '\\',
      '#',
      '(a)',
      'import a',
      'forward',
      'kubernetes',
      '10.0.0.1',
      'a.test',
      'match',
      'rewrite',
      'name',
      'regex',
      'ttl',
      'cache',
      'template IN A',
      'acl',
      'allow net',
      ':53',
      '/24',
      '{$A}',
      '*',
    );
    const env = { A: 'x {\n' };
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), (parts) => {
        expect(readText(parts.join(''), { env })).toHaveProperty('ok');
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 40 }), (parts) => {
        expect(readText(`. {\n${parts.join(' ')}\n}`, { env })).toHaveProperty('ok');
      }),
      { numRuns: 1500 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readText(text)).toHaveProperty('ok');
      }),
    );
  });
});
