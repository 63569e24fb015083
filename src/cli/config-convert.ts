import { loadConfig, writeConfig } from '../config/mod.ts';
import type { FlagTexts } from '../config/mod.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/**
 * `waypost config convert`: the configuration that `waypost run` would have with these flags, as one file that needs none of
 * them. What had no effect is told beside it and is not in it. Gives the exit code: 1 where it cannot be used.
 */
export async function runConvert(texts: FlagTexts, terminal: Terminal): Promise<number> {
  const loaded = await loadConfig(texts);
  printProblems(terminal, [...loaded.warnings, ...(loaded.ok ? [] : loaded.problems)]);
  if (!loaded.ok) return 1;
  terminal.out(writeConfig(loaded.config));
  return 0;
}
