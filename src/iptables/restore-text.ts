import type { Operation } from './operation.ts';
import type { Batch } from './port.ts';
import type { TableName } from './rule.ts';

/** Where a line of the text comes from; `operation` is null for the frame of a section. */
export interface LineOrigin {
  readonly section: number;
  readonly operation: Operation | null;
  readonly text: string;
}

export interface RestoreText {
  /** The text in pieces of a thousand lines, made as they are asked for. */
  chunks(): Generator<string>;
  /** What line `line`, counted from 1, was written for; null beyond the text. */
  operationAt(line: number): LineOrigin | null;
}

const linesPerChunk = 1000;

/**
 * The input of `iptables-restore --noflush` for a batch. A comment line `# <section>` begins each
 * section: with `--verbose` the tool repeats it, which tells how far it came. Throws as `planSection`.
 */
export function renderBatch(batch: Batch): RestoreText {
  const sections = batch.map(({ table, operations }) => ({ table, plan: planSection(operations) }));
  return {
    *chunks() {
      let lines: string[] = [];
      for (const line of batchLines(sections)) {
        lines.push(line.text);
        if (lines.length < linesPerChunk) continue;
        yield `${lines.join('\n')}\n`;
        lines = [];
      }
      if (lines.length > 0) yield `${lines.join('\n')}\n`;
    },
    operationAt(wanted) {
      let number = 0;
      for (const line of batchLines(sections)) {
        number += 1;
        if (number === wanted) return line;
      }
      return null;
    },
  };
}

/** One section in the order in which both variants of the tool and the kernel accept it. */
export interface SectionPlan {
  /** Created, or emptied, before anything else, so that rules may jump to any of them. */
  readonly written: readonly (Operation & { kind: 'write-chain' })[];
  /** In the order given; the rules of `written` among them. */
  readonly steps: readonly Exclude<Operation, { kind: 'delete-chain' }>[];
  /** Emptied, then removed, after everything else: they may jump to each other. */
  readonly deleted: readonly (Operation & { kind: 'delete-chain' })[];
}

/**
 * Throws a TypeError where that order would mean something else than the order given: a chain both
 * written and deleted, written or deleted twice, or changed by a rule before it is written.
 */
export function planSection(operations: readonly Operation[]): SectionPlan {
  const written: (Operation & { kind: 'write-chain' })[] = [];
  const deleted: (Operation & { kind: 'delete-chain' })[] = [];
  const steps: Exclude<Operation, { kind: 'delete-chain' }>[] = [];
  const whole = new Set<string>();
  const touched = new Set<string>();
  for (const operation of operations) {
    if (operation.kind === 'write-chain' || operation.kind === 'delete-chain') {
      const early = operation.kind === 'write-chain' && touched.has(operation.chain);
      if (early || whole.has(operation.chain)) throw new TypeError(`conflicting operations on chain ${operation.chain}`);
      whole.add(operation.chain);
    } else touched.add(operation.chain);
    if (operation.kind === 'delete-chain') deleted.push(operation);
    else steps.push(operation);
    if (operation.kind === 'write-chain') written.push(operation);
  }
  return { written, steps, deleted };
}

function* batchLines(sections: readonly { readonly table: TableName; readonly plan: SectionPlan }[]): Generator<LineOrigin> {
  for (const [section, { table, plan }] of sections.entries()) {
    yield { section, operation: null, text: `# ${section}` };
    yield { section, operation: null, text: `*${table}` };
    const { written, steps, deleted } = plan;
    // The nft tools keep a list of chains by name: given in any other order, they search it for each chain.
    const byName = new Map(written.map((operation) => [operation.chain, operation]));
    for (const chain of [...byName.keys()].toSorted()) {
      yield { section, operation: byName.get(chain) ?? null, text: `:${chain} - [0:0]` };
    }
    for (const operation of steps) yield* stepLines(section, operation);
    for (const operation of deleted) yield { section, operation, text: `-F ${operation.chain}` };
    for (const operation of deleted) yield { section, operation, text: `-X ${operation.chain}` };
    yield { section, operation: null, text: 'COMMIT' };
  }
}

function* stepLines(section: number, operation: SectionPlan['steps'][number]): Generator<LineOrigin> {
  const { chain } = operation;
  switch (operation.kind) {
    case 'write-chain':
      for (const rule of operation.rules) yield { section, operation, text: `-A ${chain} ${rule}` };
      return;
    case 'append-rule':
      yield { section, operation, text: `-A ${chain} ${operation.rule}` };
      return;
    case 'insert-rule':
      yield { section, operation, text: `-I ${chain} ${operation.position} ${operation.rule}` };
      return;
    case 'delete-rule':
      yield { section, operation, text: `-D ${chain} ${operation.rule}` };
      return;
    default:
      operation satisfies never;
  }
}
