import { describe, expect, test } from 'vitest';
import { parseRcode, recordType } from './constants.ts';
import { formatName, parseName, rootName } from './name.ts';
import type { Name } from './name.ts';
import { formatRecord } from './presentation.ts';
import type { TemplateRule } from './settings.ts';
import { compileTemplateText, readZoneFileRecord } from './template-text.ts';
import { compileTemplates } from './template.ts';
import type { TemplateAnswer } from './template.ts';

const name = (text: string): Name => parseName(text) ?? rootName;
const rule = (fields: Partial<TemplateRule>): TemplateRule => ({
  zones: [rootName],
  type: null,
  match: [],
  answer: [],
  additional: [],
  authority: [],
  rcode: 0,
  fallthrough: [],
  ...fields,
});

function ask(rules: readonly TemplateRule[], asked: string, type: number = recordType.A): TemplateAnswer | null {
  return compileTemplates(rules)(name(asked), type);
}

const texts = (answer: TemplateAnswer | null): readonly string[] => (answer?.answer ?? []).map(formatRecord);

describe('templates', () => {
  test('deny a suffix, with the SOA that makes the denial last', () => {
    const deny = rule({
      zones: [name('invalid.')],
      rcode: parseRcode('NXDOMAIN') ?? 0,
      authority: ['invalid. 60 {{ .Class }} SOA ns.invalid. hostmaster.invalid. (1 60 60 60 60)'],
    });
    const answer = ask([deny], 'a.b.invalid.');
    expect(answer).toMatchObject({ rcode: 3, authoritative: true, answer: [], chase: null });
    expect(answer?.authority.map(formatRecord)).toEqual(['invalid. 60 IN SOA ns.invalid. hostmaster.invalid. 1 60 60 60 60']);
    expect(ask([deny], 'invalid.')).not.toBeNull();
    expect(ask([deny], 'xinvalid.')).toBeNull();
  });

  test('answer with what an expression found', () => {
    const rules = [
      rule({
        zones: [name('example.')],
        type: recordType.A,
        match: ['(^|[.])ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$'],
        answer: ['{{ .Name }} 60 IN A {{ .Group.a }}.{{.Group.b}}.{{ index .Group "c" }}.{{ index .Match 5 }}'],
        fallthrough: [rootName],
      }),
    ];
    expect(texts(ask(rules, 'ip-10-1-2-3.example.'))).toEqual(['ip-10-1-2-3.example. 60 IN A 10.1.2.3']);
    expect(texts(ask(rules, 'x.ip-10-1-2-3.example.'))).toEqual(['x.ip-10-1-2-3.example. 60 IN A 10.1.2.3']);
    expect(ask(rules, 'other.example.')).toBeNull();
    expect(ask(rules, 'ip-10-1-2-3.example.', recordType.AAAA)).toBeNull();
  });

  test('count hexadecimal digits', () => {
    const rules = [
      rule({
        match: ['^ip0a(?P<b>[a-f0-9]{2})(?P<c>[a-f0-9]{2})(?P<d>[a-f0-9]{2})[.]example[.]$'],
        answer: [
          '{{ .Name }} IN A 10.{{ parseInt .Group.b 16 8 }}.{{ parseInt .Group.c 16 8 }}.{{ parseInt (index .Match 3) 16 8 }}',
        ],
      }),
    ];
    expect(texts(ask(rules, 'ip0a7b00ff.example.'))).toEqual(['ip0a7b00ff.example. 3600 IN A 10.123.0.255']);
  });

  test('of several the first that matches answers; one that does not match and has no fallthrough fails', () => {
    const rules = [
      rule({ match: ['^a[.]'], answer: ['{{ .Name }} 1 IN A 192.0.2.1'], fallthrough: [name('example.')] }),
      rule({ match: ['^b[.]', '^c[.]'], answer: ['{{ .Name }} 1 IN A 192.0.2.2'] }),
    ];
    expect(texts(ask(rules, 'a.example.'))).toEqual(['a.example. 1 IN A 192.0.2.1']);
    expect(texts(ask(rules, 'c.example.'))).toEqual(['c.example. 1 IN A 192.0.2.2']);
    expect(ask(rules, 'd.example.')?.rcode).toBe(2);
    expect(ask(rules, 'd.test.')?.rcode).toBe(2);
    expect(ask(rules, 'c.test.')?.rcode).toBe(2);
  });

  test('know the longest of their zones, the type and nothing of others', () => {
    const rules = [
      rule({ zones: [name('example.'), name('sub.example.')], answer: ['{{ .Zone }} 1 IN TXT "{{ .Type }} {{ .Class }}"'] }),
    ];
    expect(texts(ask(rules, 'a.sub.example.', recordType.MX))).toEqual(['sub.example. 1 IN TXT "MX IN"']);
    expect(texts(ask(rules, 'a.example.', 65_280))).toEqual(['example. 1 IN TXT "TYPE65280 IN"']);
  });

  test('an alias leads on, unless its target is there or the alias was asked for', () => {
    const alias = rule({ match: ['^foogle[.]com[.]$'], answer: ['foogle.com 60 IN CNAME Google.com'], fallthrough: [rootName] });
    expect(formatName(ask([alias], 'foogle.com.')?.chase ?? rootName)).toBe('google.com.');
    expect(ask([alias], 'foogle.com.', recordType.CNAME)?.chase).toBeNull();
    const whole = rule({ answer: ['{{ .Name }} IN CNAME b.example.', 'b.example. IN A 192.0.2.1'] });
    expect(ask([whole], 'a.example.')?.chase).toBeNull();
  });

  test('a name cannot bring anything else into a record', () => {
    const rules = [rule({ match: ['^(.*)[.]example[.]$'], answer: ['{{ .Name }} 60 IN TXT "{{ index .Match 1 }}"'] })];
    const odd = `\x12a" "b (c) ; \\ \n\x00.d\x07example\x00`;
    const answer = compileTemplates(rules)(odd, recordType.TXT);
    expect(answer?.rcode === 2 || answer?.answer.length === 1).toBe(true);
    expect(answer?.answer.every((record) => record.type === recordType.TXT)).toBe(true);
  });

  test('what becomes no record is a failure', () => {
    const rules = [rule({ match: ['^(.*)[.]example[.]$'], answer: ['{{ .Name }} 60 IN A {{ index .Match 1 }}'] })];
    expect(ask(rules, 'web.example.')?.rcode).toBe(2);
    expect(ask([rule({ match: ['^(?P<a>.*)$'], answer: ['a. IN A 10.0.0.{{ parseInt .Group.a 16 8 }}'] })], 'zz.')?.rcode).toBe(
      2,
    );
    expect(ask([rule({ answer: ['a. IN A {{ index .Match 7 }}'] })], 'zz.')?.rcode).toBe(2);
  });

  test.each([
    ['{{ .Remote }}', /not supported/],
    ['{{ if .Name }}x{{ end }}', /not supported/],
    ['{{ $x := .Name }}', /not supported/],
    ['{{ .Name | printf "%s" }}', /not supported/],
    ['{{ .Name', /without its }}/],
    ['{{ parseInt .Name 99 8 }}', /not supported/],
  ])('refuse %s when they are read', (text, message) => {
    const compiled = compileTemplateText(text);
    expect(compiled.ok ? '' : compiled.problem.message).toMatch(message);
  });

  test('trim blanks where a dash asks for it, and leave comments out', () => {
    const compiled = compileTemplateText('a  {{- /* why */ -}}  b {{ .Name -}} c');
    const facts = { Name: 'n', Zone: '', Type: '', Class: '', match: [], groups: new Map<string, number>() };
    expect(compiled.ok && compiled.value(facts)).toBe('ab nc');
  });

  test.each([
    ['a.example. IN 60 A 192.0.2.1', 'a.example. 60 IN A 192.0.2.1'],
    ['a.example. 60 A 192.0.2.1', 'a.example. 60 IN A 192.0.2.1'],
    ['a.example TXT "(not) a comment"', 'a.example. 3600 IN TXT "(not) a comment"'],
    ['a\\(b.example. 5 IN MX 10 m.example.', 'a\\(b.example. 5 IN MX 10 m.example.'],
  ])('%s is a record', (text, expected) => {
    const record = readZoneFileRecord(text);
    expect(record && formatRecord(record)).toBe(expected);
  });
});
