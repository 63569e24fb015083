import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSelector, matchesSelector, parseSelector } from './label-selector.ts';
import type { LabelSelector } from './label-selector.ts';
import type { LabelRequirement } from './publication.ts';

const labels = { app: 'web', tier: '' };

describe('matchesSelector', () => {
  const cases: readonly (readonly [LabelRequirement, boolean])[] = [
    [{ label: 'app', operator: 'in', values: ['web', 'db'] }, true],
    [{ label: 'app', operator: 'in', values: ['db'] }, false],
    [{ label: 'no', operator: 'in', values: [''] }, false],
    [{ label: 'tier', operator: 'in', values: [''] }, true],
    [{ label: 'app', operator: 'not-in', values: ['web'] }, false],
    [{ label: 'no', operator: 'not-in', values: ['web'] }, true],
    [{ label: 'tier', operator: 'exists' }, true],
    [{ label: 'no', operator: 'exists' }, false],
    [{ label: 'toString', operator: 'exists' }, false],
    [{ label: 'no', operator: 'not-exists' }, true],
    [{ label: 'app', operator: 'not-exists' }, false],
  ];

  it.each(cases)('[DNS-115] %j: %s', (requirement, expected) => {
    expect(matchesSelector([requirement], labels)).toBe(expected);
  });

  it('[DNS-115] asks for all of them; none asks for nothing', () => {
    expect(matchesSelector(null, labels)).toBe(true);
    expect(matchesSelector([], labels)).toBe(true);
    expect(
      matchesSelector(
        [
          { label: 'app', operator: 'exists' },
          { label: 'no', operator: 'exists' },
        ],
        labels,
      ),
    ).toBe(false);
  });
});

describe('parseSelector', () => {
  it('reads what kubectl reads', () => {
    expect(parseSelector('a=b, c != d,e in (f, g),!h,i notin(j),x.org/k == , in in (),l')).toBeNull();
    expect(parseSelector(' a=b, c != d,e in (f, g),! h,i notin(j),x.org/k == , in in (,x),l ')).toEqual([
      { label: 'a', operator: 'in', values: ['b'] },
      { label: 'c', operator: 'not-in', values: ['d'] },
      { label: 'e', operator: 'in', values: ['f', 'g'] },
      { label: 'h', operator: 'not-exists' },
      { label: 'i', operator: 'not-in', values: ['j'] },
      { label: 'x.org/k', operator: 'in', values: [''] },
      { label: 'in', operator: 'in', values: ['', 'x'] },
      { label: 'l', operator: 'exists' },
    ]);
    expect(parseSelector('  ')).toEqual([]);
  });

  it.each([
    'a=b,',
    ',a',
    'a==b=c',
    'a=b c',
    'a in b',
    'a in (b',
    'a in (b))',
    'a in ((b))',
    'a>1',
    'a > 1',
    '=b',
    '!',
    '!!a',
    '!a=b',
    'a in (b) c',
    '/a',
    'A.org/a',
    'a/b/c',
    '-a',
    'a=-b',
    `a=${'b'.repeat(64)}`,
    'a'.repeat(64),
    `${'a'.repeat(254)}/b`,
    'a=b\nc',
    'a=\u{1b}',
  ])('%j is none', (text) => {
    expect(parseSelector(text)).toBeNull();
  });

  const label = fc.stringMatching(/^(?:[a-z0-9]{1,5}\.[a-z]{1,3}\/)?[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,8}[A-Za-z0-9])?$/);
  const value = fc.stringMatching(/^(?:[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,8}[A-Za-z0-9])?)?$/);
  const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
    fc.record({ label, operator: fc.constantFrom('exists' as const, 'not-exists' as const) }),
    fc.record({
      label,
      operator: fc.constantFrom('in' as const, 'not-in' as const),
      values: fc.array(value, { minLength: 1, maxLength: 4 }),
    }),
  );

  it('reads back what formatSelector wrote', () => {
    fc.assert(
      fc.property(fc.array(requirement), (selector: LabelSelector) => {
        expect(parseSelector(formatSelector(selector))).toEqual(selector);
      }),
    );
  });

  it('takes any text in time that does not explode', () => {
    for (const text of ['('.repeat(20_000), `a in (${'a,'.repeat(20_000)}`, ' '.repeat(50_000), `${'a'.repeat(50_000)}=`]) {
      expect(parseSelector(text)?.length ?? 0).toBe(0);
    }
    fc.assert(fc.property(fc.string(), (text) => void parseSelector(text)));
  });
});

const node = { role: 'edge', zone: 'a', empty: '' };

describe('the labels of a node', () => {
  it.each<[string, readonly LabelRequirement[], boolean]>([
    ['nothing', [], true],
    ['role=edge', [{ label: 'role', operator: 'in', values: ['edge'] }], true],
    ['role in (core,edge)', [{ label: 'role', operator: 'in', values: ['core', 'edge'] }], true],
    ['role=core', [{ label: 'role', operator: 'in', values: ['core'] }], false],
    ['absent=x', [{ label: 'absent', operator: 'in', values: ['x'] }], false],
    ['empty=', [{ label: 'empty', operator: 'in', values: [''] }], true],
    ['absent=', [{ label: 'absent', operator: 'in', values: [''] }], false],
    ['role!=core', [{ label: 'role', operator: 'not-in', values: ['core'] }], true],
    ['role notin (edge)', [{ label: 'role', operator: 'not-in', values: ['edge'] }], false],
    ['absent!=x', [{ label: 'absent', operator: 'not-in', values: ['x'] }], true],
    ['empty', [{ label: 'empty', operator: 'exists' }], true],
    ['absent', [{ label: 'absent', operator: 'exists' }], false],
    ['toString', [{ label: 'toString', operator: 'exists' }], false],
    ['!absent', [{ label: 'absent', operator: 'not-exists' }], true],
    ['!role', [{ label: 'role', operator: 'not-exists' }], false],
    [
      'role=edge,!zone',
      [
        { label: 'role', operator: 'in', values: ['edge'] },
        { label: 'zone', operator: 'not-exists' },
      ],
      false,
    ],
  ])('%s', (_, requirements, expected) => {
    expect(matchesSelector(requirements, node)).toBe(expected);
  });
});
