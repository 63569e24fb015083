import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checklist, readChecklist } from './checklist.ts';
import { collectFlows, collectProofs } from './collect-proofs.ts';
import { readCoverage } from './read-coverage.ts';
import { findGaps, renderCoverage } from './render-coverage.ts';
import type { Coverage } from './render-coverage.ts';

describe('docs/coverage.md', () => {
  const coverage = readCoverage();

  test('no item is without a test or a remark, and none is named that does not exist', () => {
    expect(findGaps(coverage)).toEqual([]);
  });

  test('it is what scripts/coverage.ts writes now', () => {
    const hint = 'run node_modules/node/bin/node scripts/coverage.ts';
    expect([hint, readFileSync('docs/coverage.md', 'utf8')]).toEqual([hint, renderCoverage(coverage)]);
  });

  test('there are 182 items, each with a row', () => {
    expect(checklist.map(({ number }) => number)).toEqual(Array.from({ length: 182 }, (_, index) => index + 1));
    const page = renderCoverage(coverage);
    for (const { number } of checklist) expect(page).toMatch(new RegExp(`^\\| ${number} \\|.*\\| .+ \\|$`, 'm'));
  });
});

describe('collecting', () => {
  test('strings and templates that name items are titles, comments and skipped tests are not', () => {
    const text = [
      "// it's no title: '[SP-9]'",
      "test('[SP-1][SP-2] one', () => {});",
      'test.each(x)(`[SP-3] in ${mode} mode`, () => {});',
      "const rows = [['[SP-4] row']];",
      "test.skip('[SP-5] not run', () => {});",
      "test.skip.each(x)('[SP-5] not run', () => {});",
    ].join('\n');
    expect(collectProofs('a.test.ts', text).map(({ item, title }) => `${item} ${title}`)).toEqual([
      '1 one',
      '2 one',
      '3 in … mode',
      '4 row',
    ]);
  });

  test('a file that cannot be read as TypeScript is an error, not an empty list', () => {
    expect(() => collectProofs('a.test.ts', 'test(')).toThrow(/a\.test\.ts/);
  });

  test('each scenario of the packet table is named once for each item', () => {
    const flows = [{ items: ['SP-1', 'SP-2'] }, { items: ['SP-1'] }, { items: [] }];
    expect(collectFlows([{ scenarios: [{ name: 'one', flows }] }], 'table')).toEqual([
      { item: 1, file: 'table', title: 'one' },
      { item: 2, file: 'table', title: 'one' },
    ]);
  });
});

describe('gaps', () => {
  const items = readChecklist('# A. Group\n1 first\n2 n other mode\n3 third');
  const proof = { item: 1, file: 'a.test.ts', title: 'it works' };
  const whole: Coverage = { checklist: items, proofs: [proof], remarks: new Map([[3, { kind: 'unproven', text: 'no time' }]]) };

  test('a whole coverage has none, and its page has every row', () => {
    expect(findGaps(whole)).toEqual([]);
    const page = renderCoverage(whole);
    expect(page).toContain('| 1 | first | `a.test.ts`: it works |');
    expect(page).toContain('| 2 | other mode (n) | *Only about a data plane that is not in this release.* |');
    expect(page).toContain('| 3 | third | *No test: no time* |');
  });

  test.each([
    ['an item without anything', { ...whole, remarks: new Map() }, /item 3 \(third\) has neither/],
    ['a test of an unknown item', { ...whole, proofs: [proof, { ...proof, item: 4 }] }, /item 4, which does not exist/],
    ['a remark that a test has overtaken', { ...whole, proofs: [proof, { ...proof, item: 3 }] }, /its remark says it has none/],
    [
      'a part without a test',
      { ...whole, remarks: new Map([[3, { kind: 'partly', text: '' }]]) },
      /said to be proven in part, but no test names it/,
    ],
    ['a number left out', { ...whole, checklist: readChecklist('1 first\n3 third') }, /item 3 stands at place 2/],
  ] as const)('it finds %s', (_, coverage, problem) => {
    expect(findGaps(coverage as Coverage).join('\n')).toMatch(problem);
  });
});
