import { Command } from 'commander';
import { withUsageCode } from './agent-commands.ts';
import type { ExplainOptions } from './config-explain.ts';
import type { ValidateOptions } from './config-validate.ts';
import { outputOption } from './print-document.ts';
import { addRunFlags, flagTextsOf } from './run-flags.ts';
import type { Terminal } from './terminal.ts';

/** `waypost config …`: needs no agent. */
export function configCommand(program: Command, terminal: Terminal, finish: (code: number) => void): Command {
  const command = withUsageCode(new Command('config').copyInheritedSettings(program)).description(
    'check a configuration file, convert it, or explain what may stand in one',
  );
  command
    .command('validate')
    .description('print everything that is wrong with a configuration file; changes nothing')
    .requiredOption('--config <file>', 'the file, as waypost run takes it')
    .addOption(outputOption('text'))
    .action(async (options: ValidateOptions) => {
      const { runValidate } = await import('./config-validate.ts');
      finish(await runValidate(options, terminal));
    });
  command
    .command('explain')
    .description('list the fields of the configuration with flag, type and default')
    .argument('[field]', 'a field or a section, such as ipvs.scheduler or ipvs, or a flag, such as --proxy-mode')
    .allowUnknownOption()
    .addOption(outputOption('table'))
    .action(async (field: string | undefined, options: ExplainOptions) => {
      const { runExplain } = await import('./config-explain.ts');
      finish(runExplain(field, options, terminal));
    });
  const convert = command
    .command('convert')
    .description('print one configuration file that says what a file and flags say together, kube-proxy’s own included');
  addRunFlags(convert);
  convert.action(async () => {
    const { runConvert } = await import('./config-convert.ts');
    finish(await runConvert(flagTextsOf(convert), terminal));
  });
  return command;
}
