import { Argument, Command } from 'commander';
import { formatBash } from './completion-bash.ts';
import { formatFish } from './completion-fish.ts';
import { describeCommandTree } from './completion-tree.ts';
import type { CompletedCommand } from './completion-tree.ts';
import { formatZsh } from './completion-zsh.ts';
import type { Terminal } from './terminal.ts';

const shells: Readonly<Record<string, (tree: readonly CompletedCommand[]) => string>> = {
  bash: formatBash,
  zsh: formatZsh,
  fish: formatFish,
};

/** `waypost completion`: a script that completes what the program has now, made from its commands. */
export function completionCommand(program: Command, { out }: Terminal): Command {
  return new Command('completion')
    .copyInheritedSettings(program)
    .description('print a script by which a shell completes commands, options and their values')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(shells)))
    .action((shell: string) => out(shells[shell]?.(describeCommandTree(program)) ?? ''));
}
