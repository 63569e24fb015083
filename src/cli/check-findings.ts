import type { EffectiveConfig } from '../config/mod.ts';
import type { Problem } from '../model/mod.ts';
import { checkCollisions } from './check-collisions.ts';
import { checkDns } from './check-dns.ts';
import { checkDirectReturn } from './check-dsr.ts';
import type { Finding, FindingLevel, NodeFacts } from './check-facts.ts';
import { checkKernel } from './check-kernel.ts';
import { checkNetwork } from './check-network.ts';
import { checkNotes } from './check-notes.ts';

const order: readonly FindingLevel[] = ['error', 'warning', 'ok', 'note'];

/** What a node can and cannot do for the configured mode, the worst first. Pure. */
export function planFindings(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const all = [
    ...checkKernel(config, facts),
    ...checkNetwork(config, facts),
    ...checkCollisions(config, facts),
    ...checkDirectReturn(config, facts),
    ...checkDns(config, facts),
    ...checkNotes(config, facts),
  ];
  return orderFindings(all);
}

/** The worst first, and otherwise as they are. */
export function orderFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** The findings that a start should log. */
export function problemsOf(findings: readonly Finding[]): readonly Problem[] {
  return findings
    .filter(({ level }) => level === 'warning' || level === 'error')
    .map(({ code, message, advice }) => ({ code, message: advice === '' ? message : `${message}: ${advice}` }));
}

/** One line for each finding. */
export function formatFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ level, message, advice }) => `${level.padEnd(7)}  ${message}${advice === '' ? '' : `: ${advice}`}\n`)
    .join('');
}
