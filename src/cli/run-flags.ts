import { Option } from 'commander';
import type { Command } from 'commander';
import { flagSpecs } from '../config/mod.ts';
import type { FlagTexts } from '../config/mod.ts';

/** Each flag may be given several times; its kind decides what that means. */
export function addRunFlags(command: Command): void {
  for (const { name, kind, help } of flagSpecs) {
    const option = new Option(name === 'v' ? '-v, --v <level>' : `--${name} <${kind === 'ignored' ? 'value' : kind}>`, help);
    command.addOption(option.argParser((text: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), text]));
  }
}

/** The texts of all flags that were given, by name. */
export function flagTextsOf(command: Command): FlagTexts {
  const values = command.opts<Record<string, readonly string[] | undefined>>();
  const texts = new Map<string, readonly string[]>();
  for (const option of command.options) {
    const given = values[option.attributeName()];
    if (Array.isArray(given)) texts.set(option.name(), given);
  }
  return texts;
}
