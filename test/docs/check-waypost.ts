import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { buildProgram, normaliseWords } from '../../src/cli/program.ts';

/** What the program says against the words behind `waypost`; null: it would run them. Nothing is run. */
export async function findUsageError(words: readonly string[]): Promise<string | null> {
  let said = '';
  const write = (text: string): void => {
    said += text;
  };
  const program = buildProgram({ out: write, err: write }, () => {});
  disarm(program);
  try {
    await program.parseAsync([...normaliseWords(words)], { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : said.trim();
  }
}

function disarm(command: Command): void {
  if (command.commands.length === 0) command.action(() => {});
  for (const below of command.commands) disarm(below);
}
