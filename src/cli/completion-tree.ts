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

/** The words that lead to the commands below the program, as one pattern of a shell's `case`. */
export function commandPattern(tree: readonly CompletedCommand[]): string {
  return patternOf(tree.slice(1).map(({ path }) => path));
}

/** A command's options whose value comes next, as patterns of `<path> <option>`. */
export interface ValuePatterns {
  /** What may come after those that have a choice. */
  readonly listed: readonly { readonly pattern: string; readonly values: readonly string[] }[];
  /** All others; null: there is none. */
  readonly free: string | null;
}

export function valuePatterns({ path, options }: CompletedCommand): ValuePatterns {
  const pattern = (some: readonly CompletedOption[]): string =>
    patternOf(some.flatMap(({ names }) => names.map((name) => `${path} ${name}`)));
  const free = options.filter(({ takesValue, values }) => takesValue && values.length === 0);
  return {
    listed: options.filter(({ values }) => values.length > 0).map((one) => ({ pattern: pattern([one]), values: one.values })),
    free: free.length === 0 ? null : pattern(free),
  };
}

function patternOf(texts: readonly string[]): string {
  return texts.map(quoteForShell).join('|');
}

/** A text that a shell takes as it is. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
