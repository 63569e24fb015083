import { Command, CommanderError, Option } from 'commander';
import { agentUrl } from './agent-place.ts';
import type { DiffOptions } from './diff.ts';
import type { EndpointsOptions } from './endpoints.ts';
import { outputOption } from './print-document.ts';
import type { StatusOptions } from './status.ts';
import type { Terminal } from './terminal.ts';
import type { TopOptions } from './top.ts';

type Finish = (code: number) => void;

/** Of a command whose exit code 1 says something: wrong usage is 2. */
export function withUsageCode(command: Command): Command {
  return command.exitOverride((error) => {
    throw error.exitCode === 0 ? error : new CommanderError(2, error.code, error.message);
  });
}

/** `--url` of a command that asks the agent for `what`. */
export function urlOption(what: string): Option {
  return new Option(
    '--url <url>',
    `where the agent serves ${what}: http://HOST:PORT or unix:/PATH, the first that can be asked`,
  ).default(agentUrl);
}

/** `--from` of a command that can look at a saved state as well. */
export function fromOption(): Option {
  return new Option('--from <file>', 'what waypost dump wrote, in place of a running agent').conflicts('url');
}

/** Commands that look at the running agent, and need nothing else. */
export function agentCommands(program: Command, terminal: Terminal, finish: Finish): readonly Command[] {
  return [statusCommand, endpointsCommand, diffCommand, topCommand, dumpCommand].map((make) => make(program, terminal, finish));
}

/** `page`: what it asks the agent for. */
function askingCommand(program: Command, name: string, page: string): Command {
  return withUsageCode(new Command(name).copyInheritedSettings(program)).addOption(urlOption(page));
}

function dumpCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return askingCommand(program, 'dump', 'its pages')
    .description('print what the running agent tells as one document, for a report; other commands read it with --from')
    .action(async (options: { readonly url: string }) => {
      const { runDump } = await import('./dump.ts');
      finish(await runDump(options, terminal));
    });
}

function statusCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return askingCommand(program, 'status', '/status')
    .description('one look at the node: how the running agent is, and what to look at where something is wrong')
    .addOption(fromOption())
    .addOption(outputOption('text'))
    .action(async (options: StatusOptions) => {
      const { runStatus } = await import('./status.ts');
      finish(await runStatus(options, terminal));
    });
}

function endpointsCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return askingCommand(program, 'endpoints', '/endpoints/use')
    .description('show the endpoints of a Service, or of all, for which clients each is used, and why not')
    .argument('[service]', 'NAMESPACE/NAME, or NAME with --namespace')
    .addOption(fromOption())
    .addOption(outputOption('table'))
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .action(async (service: string | undefined, options: EndpointsOptions) => {
      const { runEndpoints } = await import('./endpoints.ts');
      finish(await runEndpoints(service, options, terminal));
    });
}

function diffCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return askingCommand(program, 'diff', '/diff')
    .description('show what the kernel holds otherwise than the agent asked of it, and changes that are still to come')
    .addOption(fromOption())
    .addOption(outputOption('table'))
    .action(async (options: DiffOptions) => {
      const { runDiff } = await import('./diff.ts');
      finish(await runDiff(options, terminal));
    });
}

function topCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return askingCommand(program, 'top', '/connections')
    .description('connections, packets and octets by Service or endpoint, again and again on a terminal (mode ipvs)')
    .addOption(outputOption('table'))
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .addOption(new Option('--by <unit>', 'what to add up by').choices(['service', 'endpoint']).default('service'))
    .option('--interval <duration>', 'time between two looks', '2s')
    .option('--once', 'one table after one interval, on a terminal too', false)
    .action(async (options: TopOptions) => {
      const { openPlace } = await import('./driver-top.ts');
      const { runTop } = await import('./top.ts');
      finish(await runTop(options, terminal, openPlace()));
    });
}
