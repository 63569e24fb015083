import { compareText, succeed } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { applySection } from './fake-section.ts';
import type { RulesetState, TableState } from './operation.ts';
import { builtInChains, completeTables, parseSave } from './parse.ts';
import type { IptablesPort } from './port.ts';
import { renderBatch } from './restore-text.ts';
import { tableNames } from './rule.ts';
import type { TableName } from './rule.ts';

/** An `IptablesPort` in memory that refuses what the tools and the kernel refuse. */
export interface FakeIptables extends IptablesPort {
  /** All tables that were ever touched, as text: tables and chains sorted, rules in order. */
  dump(): string;
  /** Replaces everything by what a dump or an `iptables-save` says. */
  load(text: string): Outcome<void>;
  /** Calls of `restore` with at least one section, failed ones included. */
  readonly restores: number;
}

/** A kernel without any rule. */
export function createFakeIptables(family: Family): FakeIptables {
  let tables = new Map<TableName, TableState>();
  let restores = 0;
  return {
    family,
    get restores() {
      return restores;
    },
    save: async (names) => succeed(completeTables(tables, names)),
    async restore(batch) {
      if (batch.length > 0) restores += 1;
      let bytes = 0;
      for (const chunk of renderBatch(batch).chunks()) bytes += Buffer.byteLength(chunk);
      for (const [section, { table, operations }] of batch.entries()) {
        const before = completeTables(tables, [table]).get(table) ?? { chains: new Map() };
        const result = applySection(table, before, operations);
        if (!result.ok) return { bytes, failure: { problem: result.problem, section, operation: result.operation } };
        tables.set(table, result.table);
      }
      return { bytes, failure: null };
    },
    close: async () => undefined,
    dump: () => dumpRuleset(tables),
    load(text) {
      const parsed = parseSave(text);
      if (!parsed.ok) return parsed;
      tables = new Map(parsed.value);
      return succeed(undefined);
    },
  };
}

/**
 * A ruleset as text that `parseSave` reads back: built-in chains as `iptables-save` orders them, then the others by name. Equal
 * rulesets give equal texts, whatever the order of their chains.
 */
export function dumpRuleset(ruleset: RulesetState): string {
  const lines: string[] = [];
  for (const table of tableNames) {
    const chains = ruleset.get(table)?.chains;
    if (chains === undefined) continue;
    const complete = completeTables(ruleset, [table]).get(table)?.chains ?? chains;
    const builtIn = builtInChains[table].length;
    const sorted = [
      ...[...complete].slice(0, builtIn),
      ...[...complete].slice(builtIn).toSorted(([a], [b]) => compareText(a, b)),
    ];
    lines.push(`*${table}`);
    for (const [chain, { policy }] of sorted) lines.push(`:${chain} ${policy ?? '-'} [0:0]`);
    for (const [chain, { rules }] of sorted)
      for (const rule of rules) lines.push(rule === '' ? `-A ${chain}` : `-A ${chain} ${rule}`);
    lines.push('COMMIT');
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
