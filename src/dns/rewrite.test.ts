import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseType } from './constants.ts';
import { formatName, parseName, rootName } from './name.ts';
import { formatRecord, parseRecord } from './presentation.ts';
import type { Answer } from './record.ts';
import { compileRewrite } from './rewrite.ts';
import type { RewriteMatch, RewriteRule } from './settings.ts';

function missing(what: string): never {
  throw new Error(what);
}

type How = Extract<RewriteMatch, { readonly kind: 'name' }>['how'];
type Answers = Extract<RewriteMatch, { readonly kind: 'name' }>['answers'];

const nameRule = (
  how: How,
  from: string,
  to: string,
  answers: Answers = how === 'exact' ? 'auto' : 'keep',
  after: RewriteRule['after'] = 'stop',
): RewriteRule => ({
  matches: { kind: 'name', how, from, to, answers },
  after,
});

function answerOf(...records: readonly string[]): Answer {
  const answer = records.map((text) => parseRecord(text) ?? missing(`no record: ${text}`));
  return { rcode: 0, authoritative: true, answer, authority: [], additional: [] };
}

interface Seen {
  readonly name: string;
  readonly type: number;
  readonly records: readonly string[];
  readonly rcode: number;
}

function run(rules: readonly RewriteRule[], asked: string, answer: Answer = answerOf(), type = 1): Seen | null {
  const rewritten = compileRewrite(rules)(parseName(asked) ?? rootName, type);
  if (rewritten === null) return null;
  const undone = rewritten.undo(answer);
  return {
    name: formatName(rewritten.name),
    type: rewritten.type,
    records: undone.answer.map(formatRecord),
    rcode: undone.rcode,
  };
}

describe('rewrite', () => {
  test('[DNS-112] exact: asks the other name, and the answer is to the name that was asked', () => {
    const rules = [nameRule('exact', 'old.example.org', 'Web.Shop.svc.cluster.local.')];
    expect(run(rules, 'oLd.Example.org.', answerOf('web.shop.svc.cluster.local. 30 IN A 10.96.0.80'))).toEqual({
      name: 'web.shop.svc.cluster.local.',
      type: 1,
      records: ['oLd.Example.org. 30 IN A 10.96.0.80'],
      rcode: 0,
    });
  });

  test('[DNS-112] exact does not match below, above or beside', () => {
    const rules = [nameRule('exact', 'old.example.org', 'new.example.org')];
    for (const other of ['a.old.example.org.', 'example.org.', 'xold.example.org.', 'old.example.org.x.', '.']) {
      expect(run(rules, other)).toBeNull();
    }
  });

  test('records of other owners stay as they are', () => {
    const rules = [nameRule('exact', 'a.test', 'b.test')];
    const answer = answerOf('b.test. 5 IN CNAME c.test.', 'c.test. 5 IN A 192.0.2.1');
    expect(run(rules, 'a.test.', answer)?.records).toEqual(['a.test. 5 IN CNAME c.test.', 'c.test. 5 IN A 192.0.2.1']);
  });

  test.each<readonly [How, string, string, string, string | null]>([
    ['suffix', '.schmoogle.com.', '.google.com.', 'www.Schmoogle.com.', 'www.google.com.'],
    ['suffix', '.schmoogle.com', '.google.com', 'www.schmoogle.com.', 'www.google.com.'],
    ['suffix', '.schmoogle.com.', '.google.com.', 'schmoogle.com.', null],
    ['prefix', 'old-', 'new-', 'OLD-web.test.', 'new-web.test.'],
    ['prefix', 'old-', 'new-', 'x.old-web.test.', null],
    [
      'substring',
      'service.us-west-1.example.org',
      'service.us-west-1.consul',
      'ftp.service.us-west-1.example.org.',
      'ftp.service.us-west-1.consul.',
    ],
    [
      'regex',
      '(.*)-(us-west-1)\\.example\\.org',
      '{1}.service.{2}.consul',
      'ftp-us-west-1.example.org.',
      'ftp.service.us-west-1.consul.',
    ],
    ['regex', '^(?P<host>[a-z]+)\\.old\\.test\\.$', '{1}.new.test.', 'web.old.test.', 'web.new.test.'],
    ['regex', '^a$', 'b', 'a.test.', null],
  ])('%s %s', (how, from, to, asked, expected) => {
    expect(run([nameRule(how, from, to)], asked)?.name ?? null).toBe(expected);
  });

  test('what is not exact leaves the answer alone unless asked to', () => {
    const answer = answerOf('www.google.com. 5 IN A 192.0.2.1');
    expect(run([nameRule('suffix', '.a.test', '.google.com')], 'www.a.test.', answer)?.records).toEqual([
      'www.google.com. 5 IN A 192.0.2.1',
    ]);
    expect(run([nameRule('suffix', '.a.test', '.google.com', 'auto')], 'WWW.a.test.', answer)?.records).toEqual([
      'WWW.a.test. 5 IN A 192.0.2.1',
    ]);
    expect(run([nameRule('regex', '^www\\.a\\.test', 'www.google.com', 'auto')], 'www.a.test.', answer)?.records).toEqual([
      'www.a.test. 5 IN A 192.0.2.1',
    ]);
  });

  test('a suffix maps other owners of the answer back as well', () => {
    const answer = answerOf('_x._tcp.google.com. 5 IN SRV 0 1 80 srv.google.com.', 'srv.google.com. 5 IN A 192.0.2.1');
    expect(run([nameRule('suffix', '.a.test', '.google.com', 'auto')], '_x._tcp.a.test.', answer, 33)?.records).toEqual([
      '_x._tcp.a.test. 5 IN SRV 0 1 80 srv.google.com.',
      'srv.a.test. 5 IN A 192.0.2.1',
    ]);
  });

  test('rules for answers change owners and values by expressions', () => {
    const rules = [
      nameRule('regex', '(.*)-(us-west-1)\\.coredns\\.rocks', '{1}.service.{2}.consul', [
        { kind: 'name', from: '(.*)\\.service\\.(us-west-1)\\.consul', to: '{1}-{2}.coredns.rocks' },
        { kind: 'value', from: '(.*)\\.consul', to: '{1}.rocks' },
      ]),
    ];
    const answer = answerOf(
      'ftp.service.us-west-1.consul. 9 IN CNAME h.consul.',
      'x.test. 9 IN MX 10 m.consul.',
      'x.test. 9 IN TXT "m.consul"',
    );
    expect(run(rules, 'ftp-us-west-1.coredns.rocks.', answer)?.records).toEqual([
      'ftp-us-west-1.coredns.rocks. 9 IN CNAME h.rocks.',
      'x.test. 9 IN MX 10 m.rocks.',
      'x.test. 9 IN TXT "m.consul"',
    ]);
  });

  test('types, times to live and response codes', () => {
    const type: RewriteRule = { matches: { kind: 'type', from: 255, to: parseType('HINFO') ?? 0 }, after: 'continue' };
    const ttl: RewriteRule = { matches: { kind: 'ttl', how: 'suffix', from: '.test', min: 30, max: 60 }, after: 'continue' };
    const code: RewriteRule = { matches: { kind: 'rcode', how: 'exact', name: 'a.test', from: 2, to: 3 }, after: 'stop' };
    const answer = {
      ...answerOf('a.test. 5 IN A 192.0.2.1', 'a.test. 50 IN A 192.0.2.2', 'a.test. 500 IN A 192.0.2.3'),
      rcode: 2,
    };
    const seen = run([type, ttl, code], 'a.test.', answer, 255);
    expect(seen).toMatchObject({ name: 'a.test.', type: 13, rcode: 3 });
    expect(seen?.records.map((record) => record.split(' ')[1])).toEqual(['30', '50', '60']);
    expect(run([type], 'a.test.')).toBeNull();
    expect(run([code], 'b.test.', answer)).toBeNull();
    expect(run([code], 'a.test.', answerOf())?.rcode).toBe(0);
  });

  test('stop ends, continue goes on with the new name, and answers go back the whole way', () => {
    const answer = answerOf('c.test. 5 IN A 192.0.2.1');
    const chain = [nameRule('exact', 'a.test', 'b.test', 'auto', 'continue'), nameRule('exact', 'b.test', 'c.test')];
    expect(run(chain, 'A.test.', answer)).toMatchObject({ name: 'c.test.', records: ['A.test. 5 IN A 192.0.2.1'] });
    const ended = [nameRule('exact', 'a.test', 'b.test'), nameRule('exact', 'b.test', 'c.test')];
    expect(run(ended, 'a.test.')?.name).toBe('b.test.');
  });

  test('rules that feed each other end', () => {
    const circle = [
      nameRule('substring', 'a', 'aa', 'auto', 'continue'),
      nameRule('exact', 'aa.test', 'a.test', 'auto', 'continue'),
      nameRule('exact', 'a.test', 'aa.test', 'auto', 'continue'),
    ];
    expect(run(circle, 'a.test.')?.name).toBe('aa.test.');
  });

  test('a name that becomes none is left alone', () => {
    expect(run([nameRule('prefix', 'a', `${'x'.repeat(63)}a`)], 'a.test.')).toBeNull();
    expect(run([nameRule('substring', 'a', '..')], 'a.test.')).toBeNull();
    expect(run([nameRule('regex', '(.*)', '{1}{1}{1}{1}')], `${'y'.repeat(60)}.${'z'.repeat(60)}.test.`)).toBeNull();
  });

  test('any octets can be asked', () => {
    const rewrite = compileRewrite([
      nameRule('regex', '(.*)\\.test\\.', '{1}.example.', 'keep', 'continue'),
      nameRule('suffix', '.x', '.y'),
    ]);
    const label = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 5 }), (labels) => {
        const asked = `${labels.map((octets) => String.fromCharCode(octets.length, ...octets)).join('')}\x04test\x00`;
        const changed = rewrite(asked, 1)?.name ?? null;
        expect(changed === null || (changed.endsWith('\x07example\x00') && changed.length === asked.length + 3)).toBe(true);
      }),
    );
  });
});
