import type { Family, TraceHook, TraceStage } from '../model/mod.ts';
import type { RulesetState } from './operation.ts';
import type { TableName } from './rule.ts';
import { ChainWalker } from './trace-chain.ts';

/** Where each table is called, by the kernel's priorities (`enum nf_ip_hook_priorities`, the same for IPv6). */
const tableHooks: readonly (readonly [table: TableName, hook: TraceHook, priority: number])[] = [
  ['raw', 'prerouting', -300],
  ['mangle', 'prerouting', -150],
  ['nat', 'prerouting', -100],
  ['mangle', 'input', -150],
  ['filter', 'input', 0],
  ['security', 'input', 50],
  ['nat', 'input', 100],
  ['mangle', 'forward', -150],
  ['filter', 'forward', 0],
  ['security', 'forward', 50],
  ['raw', 'output', -300],
  ['mangle', 'output', -150],
  ['nat', 'output', -100],
  ['filter', 'output', 0],
  ['security', 'output', 50],
  ['mangle', 'postrouting', -150],
  ['nat', 'postrouting', 100],
];

/** The tables of one family of iptables, whichever variant, as parts that packets pass. */
export function createRuleStages(ruleset: RulesetState, family: Family): readonly TraceStage[] {
  const walker = new ChainWalker(ruleset, family === 'IPv4' ? 'iptables' : 'ip6tables');
  return tableHooks
    .filter(([table]) => ruleset.has(table))
    .map(([table, hook, priority]) => ({
      hook,
      priority,
      nat: table === 'nat',
      reroutes: table === 'mangle' && hook === 'output',
      walk: (world, host) => walker.enter(table, hook, world, host),
    }));
}
