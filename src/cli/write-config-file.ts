import { writeFile } from 'node:fs/promises';
import { writeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** `--write-config-to`: gives the exit code. */
export async function writeConfigFile(path: string, config: EffectiveConfig, terminal: Terminal): Promise<number> {
  try {
    await writeFile(path, writeConfig(config));
    return 0;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    printProblems(terminal, [{ code: 'WP_CLI_WRITE', message: `cannot write the configuration to ${path}: ${reason}` }]);
    return 1;
  }
}
