import type { Checklist, Remark } from './checklist.ts';
import type { Proof } from './collect-proofs.ts';

export interface Coverage {
  readonly checklists: readonly Checklist[];
  readonly proofs: readonly Proof[];
  /** The test files that run what several of them share: a suite by its file, or the packet table. */
  readonly shared: ReadonlyMap<string, readonly string[]>;
}

/** What is wrong with a coverage, in words: items without test and remark, tests and remarks for no item. */
export function findGaps(coverage: Coverage): readonly string[] {
  const { checklists, proofs, shared } = coverage;
  const known = new Set(checklists.flatMap(({ code, items }) => items.map(({ number }) => `${code}-${number}`)));
  const idle = [...shared].filter(([, runners]) => runners.length === 0);
  return [
    ...idle.map(([name]) => `${name} is run by no test file`),
    ...proofs.filter(({ name }) => !known.has(name)).map(({ name, file }) => `${file} names ${name}, which does not exist`),
    ...checklists.flatMap((checklist) => [
      ...findItemGaps(checklist, proofs),
      ...checklist.remarks.flatMap((remark) => findRemarkGaps(checklist, remark, coverage)),
    ]),
  ];
}

function findItemGaps({ code, items, remarks }: Checklist, proofs: readonly Proof[]): readonly string[] {
  const proven = new Set(proofs.map(({ name }) => name));
  const remarked = new Set(remarks.map(({ item }) => item));
  return [
    ...items.flatMap(({ number }, at) => (number === at + 1 ? [] : [`${code}-${number} stands at place ${at + 1}`])),
    ...items
      .filter((item) => !proven.has(`${code}-${item.number}`) && !remarked.has(item.number))
      .map(({ number, words }) => `${code}-${number} (${words}) has neither a test nor a remark`),
  ];
}

function findRemarkGaps({ code, items, remarks }: Checklist, remark: Remark, coverage: Coverage): readonly string[] {
  const name = `${code}-${remark.item}`;
  if (!items.some(({ number }) => number === remark.item)) return [`there is a remark on ${name}, which does not exist`];
  const first = remarks.find(({ item, kind }) => item === remark.item && kind === remark.kind);
  const proven = coverage.proofs.some((proof) => proof.name === name);
  return [
    ...(first === remark || remark.kind === 'deviation' ? [] : [`there are two remarks on ${name} that say ${remark.kind}`]),
    ...(remark.kind === 'unproven' && proven ? [`${name} has a test, its remark says it has none`] : []),
    ...(remark.kind === 'partly' && !proven ? [`${name} is said to be proven in part, but no test names it`] : []),
    ...(remark.kind === 'elsewhere' && remark.see.length === 0 ? [`the remark on ${name} does not say which items show it`] : []),
    ...(remark.kind === 'deviation' && !proven && remark.see.length === 0
      ? [`what is done in place of ${name} has no test, and its remark points to none`]
      : []),
    ...remark.see.flatMap((other) => findMissingProof(name, other, remark.runBy, coverage)),
  ];
}

/** A remark may point only to what some test shows, and shows in the test file that it counts on. */
function findMissingProof(
  name: string,
  other: string,
  runBy: string | null,
  { proofs, shared }: Pick<Coverage, 'proofs' | 'shared'>,
): readonly string[] {
  const own = proofs.filter((proof) => proof.name === other);
  if (own.length === 0) return [`${name} points to ${other}, which no test names`];
  if (runBy === null || own.some(({ file }) => (shared.get(file) ?? [file]).includes(runBy))) return [];
  return [`${name} points to ${other} as ${runBy} runs it, which does not`];
}
