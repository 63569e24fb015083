import type { Checklist, ChecklistItem, Remark } from './checklist.ts';
import type { Coverage } from './find-gaps.ts';

const labels = { unproven: 'No test: ', partly: 'In part: ', deviation: 'Deviation: ', elsewhere: '' } as const;

/** The page of a checklist: a table for each group, an item a row; the deviations; which test files run what is shared. */
export function renderCoverage(checklist: Checklist, coverage: Coverage): string {
  const { items, remarks } = checklist;
  return [
    `# Acceptance checklist: ${checklist.name}`,
    '',
    '<!-- Written by scripts/coverage.ts. Do not edit: change tests or the remarks in scripts/coverage and run it again. -->',
    '',
    ...renderCounts(checklist, coverage),
    `Tests are named by file and title, and name an item as \`[${checklist.code}-1]\`. An item without a test has a reason in its place.`,
    '',
    ...checklist.intro,
    '',
    ...[...Map.groupBy(items, ({ group }) => group)].flatMap(([group, rows]) => renderGroup(group, rows, checklist, coverage)),
    ...renderTable('Deviations', ['Item', 'Deviation'], remarks.filter(({ kind }) => kind === 'deviation').map(deviationRow)),
    ...renderTable('Run by', ['Tests', 'Test files'], sharedRows(checklist, coverage)),
  ].join('\n');
}

function renderCounts({ code, items, remarks }: Checklist, { proofs }: Coverage): readonly string[] {
  const proven = new Set(proofs.map(({ name }) => name));
  const withTests = items.filter(({ number }) => proven.has(`${code}-${number}`));
  const others = items.filter((item) => !withTests.includes(item));
  const pointed = others.filter(({ number }) => remarks.some(({ item, see }) => item === number && see.length > 0));
  const partly = remarks.filter(({ kind }) => kind === 'partly');
  return [
    `${items.length} items: ${withTests.length} with tests of their own, of these ${partly.length} in part; ${pointed.length} shown by tests of other`,
    `items; ${others.length - pointed.length} without.`,
  ];
}

function renderGroup(group: string, items: readonly ChecklistItem[], checklist: Checklist, coverage: Coverage): string[] {
  const rows = items.map((item) => [
    String(item.number),
    `${item.words}${renderModes(item)}`,
    renderProof(item, checklist, coverage),
  ]);
  return renderTable(group, ['Item', 'Asks for', 'Proof'], rows);
}

function renderTable(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const lines = [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [`## ${title}`, '', ...lines, ''];
}

function renderModes({ modes }: ChecklistItem): string {
  return modes.length === 3 ? '' : ` (${modes.join(', ')})`;
}

function renderProof(item: ChecklistItem, { code, remarks }: Checklist, { proofs }: Coverage): string {
  const own = proofs.filter(({ name }) => name === `${code}-${item.number}`);
  const files = [...Map.groupBy(own, ({ file }) => file)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = files.map(([file, tests]) => {
    const titles = [...new Set(tests.map(({ title }) => escapeCell(title)))].toSorted((a, b) => (a < b ? -1 : 1));
    return `\`${file}\`: ${titles.join('; ')}`;
  });
  const notes = remarks
    .filter((remark) => remark.item === item.number)
    .map((remark) => `*${labels[remark.kind]}${renderRemark(remark)}*`);
  if (lines.length + notes.length > 0) return [...lines, ...notes].join('<br>');
  return '*Neither a test nor a reason yet.*';
}

function deviationRow(remark: Remark): readonly string[] {
  return [String(remark.item), renderRemark(remark)];
}

function renderRemark({ kind, text, see }: Remark): string {
  if (kind === 'elsewhere') return `Shown by ${see.join(', ')}, ${escapeCell(text)}.`;
  return [escapeCell(text), ...(see.length === 0 ? [] : [`Shown by ${see.join(', ')}.`])].join(' ');
}

/** What is shared and named on this page. */
function sharedRows({ code }: Checklist, { proofs, shared }: Coverage): readonly (readonly string[])[] {
  const named = new Set(proofs.filter(({ name }) => name.startsWith(`${code}-`)).map(({ file }) => file));
  return [...shared]
    .filter(([name]) => named.has(name))
    .map(([name, runners]) => [`\`${name}\``, runners.map((runner) => `\`${runner}\``).join(', ')]);
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*').replaceAll('\n', ' ');
}
