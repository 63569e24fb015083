import type { Command, Option } from 'commander';
import { bareFlags } from '../config/mod.ts';

/** A command as shells complete it. */
export interface CompletedCommand {
  /** The words behind `waypost` that lead to it, with a blank between: empty for the program itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly help: string }[];
  readonly options: readonly CompletedOption[];
  /** Words that its arguments may be. */
  readonly words: readonly string[];
}

export interface CompletedOption {
  /** With dashes: the long spelling first. */
  readonly names: readonly string[];
  readonly help: string;
  /** The next word is its value. */
  readonly takesValue: boolean;
  /** What the value may be; empty: anything. */
  readonly values: readonly string[];
}

/** The command and all below it, each before those below it. */
export function describeCommandTree(command: Command, path = ''): readonly CompletedCommand[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const below = (name: string): string => (path === '' ? name : `${path} ${name}`);
  return [
    {
      path,
      commands: commands.map((one) => ({ name: one.name(), help: one.description() })),
      options: help.visibleOptions(command).map(describeOption),
      words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    },
    ...commands.flatMap((one) => describeCommandTree(one, below(one.name()))),
  ];
}

function describeOption(option: Option): CompletedOption {
  const { long, short, description, required, argChoices } = option;
  return {
    names: [long, short].filter((name) => name !== undefined && name !== null),
    help: description,
    // Booleans of `waypost run` may stand alone, or have their value behind an equals sign.
    takesValue: required && !bareFlags.has(option.name()),
    values: argChoices ?? [],
  };
}

/** A text that a shell takes as it is. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
