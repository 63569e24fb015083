import { Command, CommanderError } from 'commander';
import type { EndpointsOptions } from './endpoints.ts';
import { outputOption } from './print-document.ts';
import type { StatusOptions } from './status.ts';
import type { Terminal } from './terminal.ts';

export const agentUrl = 'http://127.0.0.1:10249';

type Finish = (code: number) => void;

/** Of a command whose exit code 1 says something: wrong usage is 2. */
export function withUsageCode(command: Command): Command {
  return command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : new CommanderError(2, error.code, error.message);
  });
}

/** Commands that look at the running agent, and need nothing else. */
export function agentCommands(program: Command, terminal: Terminal, finish: Finish): readonly Command[] {
  return [statusCommand(program, terminal, finish), endpointsCommand(program, terminal, finish)];
}

function statusCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return withUsageCode(new Command('status').copyInheritedSettings(program))
    .description('one look at the node: how the running agent is, and what to look at where something is wrong')
    .option('--url <url>', 'where the agent serves /status', agentUrl)
    .addOption(outputOption('text'))
    .action(async (options: StatusOptions) => {
      const { runStatus } = await import('./status.ts');
      finish(await runStatus(options, terminal));
    });
}

function endpointsCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return withUsageCode(new Command('endpoints').copyInheritedSettings(program))
    .description('show the endpoints of a Service, or of all, for which clients each is used, and why not')
    .argument('[service]', 'NAMESPACE/NAME, or NAME with --namespace')
    .option('--url <url>', 'where the agent serves /endpoints/use', agentUrl)
    .addOption(outputOption('table'))
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .action(async (service: string | undefined, options: EndpointsOptions) => {
      const { runEndpoints } = await import('./endpoints.ts');
      finish(await runEndpoints(service, options, terminal));
    });
}
