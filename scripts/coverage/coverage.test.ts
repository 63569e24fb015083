import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readChecklist } from './checklist.ts';
import type { Checklist, Remark } from './checklist.ts';
import { collectCases, collectFlows, readTestFile } from './collect-proofs.ts';
import { findGaps } from './find-gaps.ts';
import type { Coverage } from './find-gaps.ts';
import { readCoverage } from './read-coverage.ts';
import { deviation, elsewhere, partly, unproven } from './remark.ts';
import { renderCoverage } from './render-coverage.ts';

describe('the coverage of this repository', () => {
  const coverage = readCoverage();

  test('no item is without a test or a remark, and none is named that does not exist', () => {
    expect(findGaps(coverage)).toEqual([]);
  });

  test.each(coverage.checklists.map((checklist) => [checklist.page, checklist] as const))(
    '%s is what scripts/coverage.ts writes now',
    (page, checklist) => {
      const hint = 'run node_modules/node/bin/node scripts/coverage.ts';
      expect([hint, readFileSync(page, 'utf8')]).toEqual([hint, renderCoverage(checklist, coverage)]);
    },
  );

  test.each([
    ['SP', 182],
    ['IPVS', 66],
    ['DNS', 130],
  ] as const)('%s has %d items, each with a row', (code, count) => {
    const checklist = coverage.checklists.find((one) => one.code === code);
    expect(checklist?.items.map(({ number }) => number)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    const page = checklist === undefined ? '' : renderCoverage(checklist, coverage);
    for (let number = 1; number <= count; number += 1) expect(page).toMatch(new RegExp(`^\\| ${number} \\|.*\\| .+ \\|$`, 'm'));
  });

  test('suites are read, and the packet table is run in both modes with real packets', () => {
    expect([...coverage.shared.keys()]).toContain('test/packets/live-suite.ts');
    expect(coverage.proofs.map(({ file }) => file)).toContain('test/packets/live-suite.ts');
    const runners = ['test/ipvs/packets.test.ts', 'test/packets/lab.test.ts'];
    expect(coverage.shared.get('packet table')).toEqual(expect.arrayContaining(runners));
  });

  test('questions of the case files are read, and asked by a test file', () => {
    expect(coverage.shared.get('test/dns/cases')).toContain('src/dns/zone-cases.test.ts');
    expect(coverage.proofs).toContainEqual(expect.objectContaining({ name: 'DNS-32', file: 'test/dns/cases' }));
  });
});

describe('collecting', () => {
  test('strings and templates that name items are titles; comments, skipped tests and messages are not', () => {
    const text = [
      "// it's no title: '[SP-9]'",
      "test('[SP-1][IPVS-2] one', () => {});",
      'test.each(x)(`[SP-3] in ${mode} mode`, () => {});',
      "const rows = [['[IPVS-4] row']];",
      "test.skip('[SP-5] not run', () => {});",
      "test.skip.each(x)('[SP-5] not run', () => {});",
      "process.stderr.write('SKIPPED: [SP-6] for want of a kernel');",
    ].join('\n');
    expect(readTestFile('a.test.ts', text).proofs.map(({ name, title }) => `${name} ${title}`)).toEqual([
      'SP-1 one',
      'IPVS-2 one',
      'SP-3 in … mode',
      'IPVS-4 row',
    ]);
  });

  test('code that a file imports from its neighbours is known by its path, types are not', () => {
    const text = [
      "import { describePackets } from '../packets/packet-suite.ts';",
      "import './side-effect-suite.ts';",
      "import type { Variant } from '../packets/variant.ts';",
      "import { test } from 'vitest';",
    ].join('\n');
    expect(readTestFile('test/ipvs/a.test.ts', text).imports).toEqual([
      'test/packets/packet-suite.ts',
      'test/ipvs/side-effect-suite.ts',
    ]);
  });

  test('a file that cannot be read as TypeScript is an error, not an empty list', () => {
    expect(() => readTestFile('a.test.ts', 'test(')).toThrow(/a\.test\.ts/);
  });

  test('each scenario of the packet table is named once for each item', () => {
    const flows = [{ items: ['SP-1', 'IPVS-2'] }, { items: ['SP-1'] }, { items: [] }];
    expect(collectFlows([{ scenarios: [{ name: 'one', flows }] }], 'table')).toEqual([
      { name: 'SP-1', file: 'table', title: 'one' },
      { name: 'IPVS-2', file: 'table', title: 'one' },
    ]);
  });
});

test('each case file is named once for each item', () => {
  const cases = [{ items: [2, 1] }, { items: [1] }, { items: [] }];
  expect(collectCases([{ name: 'srv', about: 'ports', cases }], 'cases')).toEqual([
    { name: 'DNS-1', file: 'cases', title: 'ports (srv.yaml)' },
    { name: 'DNS-2', file: 'cases', title: 'ports (srv.yaml)' },
  ]);
});

const proof = { name: 'SP-1', file: 'a.test.ts', title: 'it works' };
const second = { name: 'SP-2', file: 'b-suite.ts', title: 'so does this' };

/** Items: 1 and 2 are proven, 3 is not and has a reason, 4 is about ipvs. */
function makeCoverage(remarks: readonly Remark[], changes: Partial<Coverage> & Partial<Pick<Checklist, 'items'>> = {}): Coverage {
  const items = changes.items ?? readChecklist('# A. Group\n1 first\n2 second\n3 n third\n4 v fourth');
  const checklist = {
    code: 'SP',
    name: 'some',
    page: 'page.md',
    intro: ['Word of introduction.'],
    items,
    remarks: [unproven(3, 'none yet'), ...remarks],
  };
  return { checklists: [checklist], proofs: [proof, second], shared: new Map([['b-suite.ts', ['c.test.ts']]]), ...changes };
}

describe('gaps', () => {
  test('a whole coverage has none, and its page has every row', () => {
    const coverage = makeCoverage([partly(1, 'half'), unproven(4, 'no time')]);
    expect(findGaps(coverage)).toEqual([]);
    const [checklist] = coverage.checklists;
    const page = checklist === undefined ? '' : renderCoverage(checklist, coverage);
    expect(page).toContain(
      '4 items: 2 with tests of their own, of these 1 in part; 0 shown by tests of other\nitems; 2 without.',
    );
    expect(page).toContain('Word of introduction.');
    expect(page).toContain('| 1 | first | `a.test.ts`: it works<br>*In part: half* |');
    expect(page).toContain('| 2 | second | `b-suite.ts`: so does this |');
    expect(page).toContain('| 3 | third (n) | *No test: none yet* |');
    expect(page).toContain('| 4 | fourth (v) | *No test: no time* |');
    expect(page).toContain('| `b-suite.ts` | `c.test.ts` |');
    expect(page).not.toContain('## Deviations');
  });

  test('a remark may point to other items, and to the test file that runs them', () => {
    const coverage = makeCoverage([
      elsewhere(4, 'as a row', ['SP-2'], 'c.test.ts'),
      deviation(1, 'Else.'),
      deviation(1, 'More.'),
    ]);
    expect(findGaps(coverage)).toEqual([]);
    const [checklist] = coverage.checklists;
    const page = checklist === undefined ? '' : renderCoverage(checklist, coverage);
    expect(page).toContain('1 shown by tests of other\nitems; 1 without');
    expect(page).toContain('| *Shown by SP-2, as a row.* |');
    expect(page).toContain('## Deviations\n\n| Item | Deviation |\n| --- | --- |\n| 1 | Else. |\n| 1 | More. |');
  });

  test.each([
    ['an item without anything', makeCoverage([]), /SP-4 \(fourth\) has neither/],
    [
      'a test of an unknown item',
      makeCoverage([unproven(4, '')], { proofs: [proof, { ...proof, name: 'SP-5' }] }),
      /SP-5, which does not exist/,
    ],
    [
      'a test of an unknown checklist',
      makeCoverage([unproven(4, '')], { proofs: [proof, { ...proof, name: 'PS-1' }] }),
      /PS-1, which does not exist/,
    ],
    ['a remark on an unknown item', makeCoverage([unproven(9, '')]), /remark on SP-9, which does not exist/],
    ['a remark that a test has overtaken', makeCoverage([unproven(2, '')]), /its remark says it has none/],
    ['a part without a test', makeCoverage([partly(4, '')]), /said to be proven in part, but no test names it/],
    ['a deviation that nothing shows', makeCoverage([deviation(4, '')]), /in place of SP-4 has no test/],
    ['a remark that points nowhere', makeCoverage([elsewhere(4, '', [])]), /SP-4 does not say which/],
    [
      'a remark that points to what has no test',
      makeCoverage([deviation(4, '', ['SP-3'])]),
      /SP-4 points to SP-3, which no test/,
    ],
    [
      'a test file that does not run what a remark counts on',
      makeCoverage([elsewhere(4, '', ['SP-2'], 'd.test.ts')]),
      /SP-4 points to SP-2 as d\.test\.ts runs it/,
    ],
    ['two remarks that say the same', makeCoverage([partly(1, 'a'), partly(1, 'b'), unproven(4, '')]), /two remarks on SP-1/],
    [
      'a suite that nobody calls',
      makeCoverage([unproven(4, '')], { shared: new Map([['b-suite.ts', []]]) }),
      /b-suite\.ts is run by no/,
    ],
    ['a number left out', makeCoverage([], { items: readChecklist('1 first\n3 third') }), /SP-3 stands at place 2/],
  ] as const)('it finds %s', (_, coverage, problem) => {
    expect(findGaps(coverage).join('\n')).toMatch(problem);
  });

  test('a line that is no item is an error', () => {
    expect(() => readChecklist('first 1')).toThrow(/not an item: first 1/);
  });
});
