import { loadConfig, makeConfig } from '../config/mod.ts';
import type { EffectiveConfig, FlagTexts } from '../config/mod.ts';
import { formatFindings } from './check-findings.ts';
import { findKubeProxy } from './driver-kube-proxy.ts';
import { gatherMigrationFacts } from './driver-migrate.ts';
import { settingsOf } from './kube-proxy-facts.ts';
import type { KubeProxyFacts, KubeProxySettings } from './kube-proxy-facts.ts';
import type { MigrationFacts } from './migrate-facts.ts';
import { planMigration } from './migrate-findings.ts';
import { printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** How the node is looked at. */
export interface Lookout {
  readonly find: () => Promise<KubeProxyFacts>;
  readonly gather: (found: KubeProxyFacts, configs: readonly EffectiveConfig[]) => Promise<MigrationFacts>;
}

/**
 * `waypost check --migrate`: compares with the kube-proxy that runs or ran on this node, and says what changes when the agent
 * takes over; changes nothing. Without flags of `waypost run` the agent is meant to run with kube-proxy's own settings. Gives
 * the exit code: 1 where a finding is an error or the flags are wrong.
 */
export async function runMigrationCheck(
  texts: FlagTexts,
  output: 'text' | DocumentFormat,
  terminal: Terminal,
  { find, gather }: Lookout = { find: findKubeProxy, gather: gatherMigrationFacts },
): Promise<number> {
  const given = texts.size === 0 ? null : await loadConfig(texts);
  if (given?.ok === false) {
    printProblems(terminal, [...given.warnings, ...given.problems]);
    return 1;
  }
  const found = await find();
  const file = texts.get('config')?.at(-1) ?? '';
  // With nobody to ask, the file that is given is taken for kube-proxy's.
  const named: KubeProxySettings | null = given === null || file === '' ? null : { from: file, loaded: given };
  const theirs = settingsOf(found) ?? named;
  const ours = given?.config ?? (theirs?.loaded.ok === true ? theirs.loaded.config : defaults());
  const configs = [ours, ...(theirs?.loaded.ok === true ? [theirs.loaded.config] : [])];
  const { kubeProxy, findings } = planMigration(ours, theirs, await gather(found, configs));
  const { mode } = ours;
  if (output !== 'text') printDocument({ version: 1, mode, kubeProxy, findings }, output, terminal);
  else
    terminal.out(
      `kube-proxy ${kubeProxy.state}, mode ${kubeProxy.mode ?? '-'}; waypost mode ${mode}\n${formatFindings(findings)}`,
    );
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}

function defaults(): EffectiveConfig {
  const made = makeConfig(new Map(), null);
  if (!made.ok) throw new Error('the defaults are not a valid configuration');
  return made.config;
}
