import type { ChecklistItem } from './checklist.ts';
import type { Proof } from './collect-proofs.ts';

/** Why an item has no test, or what its tests leave out. */
export interface Remark {
  /** `unproven`: there is no test. `partly`: the tests show a part. `deviation`: the product differs on purpose. */
  readonly kind: 'unproven' | 'partly' | 'deviation';
  readonly text: string;
}

export interface Coverage {
  readonly checklist: readonly ChecklistItem[];
  readonly proofs: readonly Proof[];
  readonly remarks: ReadonlyMap<number, Remark>;
}

const absentModes = 'Only about a data plane that is not in this release.';

/** What is wrong with a coverage, in words: items without test and remark, tests and remarks for no item. */
export function findGaps({ checklist, proofs, remarks }: Coverage): readonly string[] {
  const known = new Set(checklist.map(({ number }) => number));
  const proven = new Set(proofs.map(({ item }) => item));
  return [
    ...checklist.flatMap((item, at) => (item.number === at + 1 ? [] : [`item ${item.number} stands at place ${at + 1}`])),
    ...checklist
      .filter((item) => concernsUs(item) && !proven.has(item.number) && !remarks.has(item.number))
      .map(({ number, words }) => `item ${number} (${words}) has neither a test nor a remark`),
    ...proofs.filter(({ item }) => !known.has(item)).map(({ item, file }) => `${file} names item ${item}, which does not exist`),
    ...[...remarks].flatMap(([number, { kind }]) => {
      if (!known.has(number)) return [`there is a remark on item ${number}, which does not exist`];
      if (kind === 'unproven' && proven.has(number)) return [`item ${number} has a test, its remark says it has none`];
      return kind === 'partly' && !proven.has(number)
        ? [`item ${number} is said to be proven in part, but no test names it`]
        : [];
    }),
  ];
}

/** The page: a table for each group, an item a row, and the deviations. */
export function renderCoverage(coverage: Coverage): string {
  const { checklist } = coverage;
  const groups = Map.groupBy(checklist, ({ group }) => group);
  const counts = countItems(coverage);
  return [
    '# Acceptance checklist',
    '',
    '<!-- Written by scripts/coverage.ts. Do not edit: change tests or scripts/coverage/remarks.ts and run it again. -->',
    '',
    `${checklist.length} items: ${counts.proven} with tests, of these ${counts.partly} in part; ${counts.unproven} without;`,
    `${counts.absent} only about data planes that are not in this release. Tests are named by file and title; an item without a`,
    'test has a reason in its place. This release has one data plane, iptables (t): where an item speaks of others as well,',
    'ipvs (v) and nftables (n), only its part about iptables is proven.',
    '',
    'Rows of the packet table (`test/packets/scenarios`) are run three times: against frontends, through the packet tracer',
    'over the iptables rules, and with real packets between network namespaces with both variants of iptables.',
    '',
    ...[...groups].flatMap(([group, items]) => renderGroup(group, items, coverage)),
    '## Deviations',
    '',
    '| Item | Deviation |',
    '| --- | --- |',
    ...[...coverage.remarks]
      .filter(([, { kind }]) => kind === 'deviation')
      .map(([number, { text }]) => `| ${number} | ${escapeCell(text)} |`),
    '',
  ].join('\n');
}

function countItems({ checklist, proofs, remarks }: Coverage) {
  const proven = new Set(proofs.map(({ item }) => item));
  const withTests = checklist.filter(({ number }) => proven.has(number)).length;
  const absent = checklist.filter((item) => !proven.has(item.number) && !concernsUs(item)).length;
  return {
    proven: withTests,
    partly: [...remarks.values()].filter(({ kind }) => kind === 'partly').length,
    unproven: checklist.length - withTests - absent,
    absent,
  };
}

function renderGroup(group: string, items: readonly ChecklistItem[], coverage: Coverage): string[] {
  const rows = items.map((item) => `| ${item.number} | ${item.words}${renderModes(item)} | ${renderProof(item, coverage)} |`);
  return [`## ${group}`, '', '| Item | Asks for | Proof |', '| --- | --- | --- |', ...rows, ''];
}

/** It is about the data plane that there is. */
function concernsUs({ modes }: ChecklistItem): boolean {
  return modes.includes('t');
}

function renderModes({ modes }: ChecklistItem): string {
  return modes.length === 3 ? '' : ` (${modes.join(', ')})`;
}

function renderProof(item: ChecklistItem, { proofs, remarks }: Coverage): string {
  const own = proofs.filter((proof) => proof.item === item.number);
  const files = [...Map.groupBy(own, ({ file }) => file)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = files.map(([file, tests]) => {
    const titles = [...new Set(tests.map(({ title }) => escapeCell(title)))].toSorted((a, b) => (a < b ? -1 : 1));
    return `\`${file}\`: ${titles.join('; ')}`;
  });
  const remark = remarks.get(item.number);
  const absent = own.length === 0 && remark === undefined && !concernsUs(item) ? absentModes : null;
  const labels = { unproven: 'No test', partly: 'In part', deviation: 'Deviation' } as const;
  const note = remark === undefined ? absent : `${labels[remark.kind]}: ${escapeCell(remark.text)}`;
  return [...lines, ...(note === null ? [] : [`*${note}*`])].join('<br>');
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*').replaceAll('\n', ' ');
}
