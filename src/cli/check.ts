import { loadConfig } from '../config/mod.ts';
import type { DnsChoices, EffectiveConfig, FlagTexts } from '../config/mod.ts';
import { createShell } from '../iptables/mod.ts';
import type { Problem } from '../model/mod.ts';
import type { NodeFacts } from './check-facts.ts';
import { formatFindings, planFindings, problemsOf } from './check-findings.ts';
import { gatherNodeFacts } from './driver-check.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/**
 * `waypost check`: says what this node can and cannot do for the mode that the flags of `waypost run` configure, without
 * changing anything. Gives the exit code: 1 where the configuration is wrong or a finding is an error.
 */
export async function runCheck(
  texts: FlagTexts,
  output: 'text' | DocumentFormat,
  terminal: Terminal,
  gather: (dns: DnsChoices | null) => Promise<NodeFacts> = (dns) => gatherNodeFacts(createShell(), dns),
): Promise<number> {
  const loaded = await loadConfig(texts);
  if (!loaded.ok) {
    printProblems(terminal, [...loaded.warnings, ...loaded.problems]);
    return 1;
  }
  const { mode, dns } = loaded.config;
  const findings = planFindings(loaded.config, await gather(dns));
  const document = { version: 1, mode, findings };
  if (output !== 'text') printDocument(document, output, terminal);
  else terminal.out(`mode ${mode}\n${formatFindings(findings)}`);
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}

/** What `waypost check` would say against the node, for the log of a start; of DNS its own start tells. */
export async function findNodeProblems(config: EffectiveConfig): Promise<readonly Problem[]> {
  return problemsOf(planFindings(config, await gatherNodeFacts()));
}
