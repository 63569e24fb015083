import { Command, CommanderError, Option } from 'commander';
import { agentCommands, fromOption, urlOption, withUsageCode } from './agent-commands.ts';
import { normaliseArguments } from './argv.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config-commands.ts';
import { dnsCommand } from './dns-commands.ts';
import type { IngressOptions } from './ingress.ts';
import { outputOption } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { addRunFlags, flagTextsOf } from './run-flags.ts';
import type { ServicesOptions } from './services.ts';
import type { Terminal } from './terminal.ts';
import type { TraceOptions } from './trace.ts';
import { readVersion } from './version.ts';

/** Runs the command that the words name and gives the exit code. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = buildProgram(terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...normaliseWords(words)], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}

/** The words of a command line as the commands of {@link buildProgram} take them. */
export function normaliseWords(words: readonly string[]): readonly string[] {
  const [command = '', ...rest] = words;
  if (command === 'config' && rest[0] === 'convert') return [command, 'convert', ...normaliseArguments(rest.slice(1), [])];
  if (command !== 'run' && command !== 'init' && command !== 'check') return words;
  return [command, ...normaliseArguments(rest, command === 'check' ? ['output'] : [])];
}

/** All commands; the one that is run gives its exit code to `finish`. */
export function buildProgram(terminal: Terminal, finish: (code: number) => void): Command {
  const version = readVersion();
  const program = new Command('waypost')
    .description('A service load balancer for Kubernetes nodes: takes the place of kube-proxy.')
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this page')
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      outputError: (text, write) => write(`waypost: ${text.replace(/^error: /, '')}`),
    });
  program.addCommand(runCommand(program, version, terminal, finish));
  program.addCommand(initCommand(program, terminal, finish));
  program.addCommand(checkCommand(program, terminal, finish));
  program.addCommand(cleanupCommand(program, terminal, finish));
  for (const command of agentCommands(program, terminal, finish)) program.addCommand(command);
  program.addCommand(servicesCommand(program, terminal, finish));
  program.addCommand(ingressCommand(program, terminal, finish));
  program.addCommand(traceCommand(program, terminal, finish));
  program.addCommand(dnsCommand(program, terminal, finish));
  program.addCommand(configCommand(program, terminal, finish));
  program.addCommand(completionCommand(program, terminal));
  program
    .command('version')
    .description('print the version')
    .action(() => terminal.out(`waypost ${version}\n`));
  return program;
}

type Finish = (code: number) => void;

function runCommand(program: Command, version: string, terminal: Terminal, finish: Finish): Command {
  const command = new Command('run').copyInheritedSettings(program);
  command
    .description('keep this node’s kernel in step with the cluster’s Services')
    .version(version, '--version', 'print the version');
  addRunFlags(command);
  return command.action(async () => {
    const { runAgent } = await import('./run.ts');
    finish(await runAgent(flagTextsOf(command), terminal));
  });
}

function initCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  const command = new Command('init')
    .copyInheritedSettings(program)
    .description('do what of a start needs privileges, so that run can do without them, and end: the same as run --init-only');
  addRunFlags(command);
  return command.action(async () => {
    const { runAgent } = await import('./run.ts');
    finish(await runAgent(new Map([...flagTextsOf(command), ['init-only', ['true']]]), terminal));
  });
}

interface CheckOptions {
  readonly output: 'text' | DocumentFormat;
  readonly migrate?: true;
}

function checkCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  const command = new Command('check')
    .copyInheritedSettings(program)
    .description('say what this node can and cannot do for the configured mode; takes the flags of run and changes nothing')
    .addOption(outputOption('text'))
    .option('--migrate', 'compare with the kube-proxy that runs or ran on this node, and say what changes');
  addRunFlags(command);
  return command.action(async ({ output, migrate }: CheckOptions) => {
    if (migrate === true) {
      const { runMigrationCheck } = await import('./check-migrate.ts');
      return finish(await runMigrationCheck(flagTextsOf(command), output, terminal));
    }
    const { runCheck } = await import('./check.ts');
    finish(await runCheck(flagTextsOf(command), output, terminal));
  });
}

function cleanupCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return new Command('cleanup')
    .copyInheritedSettings(program)
    .description('remove everything that waypost has put into the kernel; needs no API server')
    .action(async () => {
      const { runCleanup } = await import('./cleanup.ts');
      finish(await runCleanup(terminal));
    });
}

function servicesCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return new Command('services')
    .copyInheritedSettings(program)
    .description('show every frontend and whether the kernel has it, as the running agent tells')
    .addOption(urlOption('/services'))
    .addOption(fromOption())
    .addOption(outputOption('table'))
    .addOption(new Option('--json', 'the same as --output json').implies({ output: 'json' }))
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .option('--errors', 'only frontends that the kernel refused', false)
    .option('--connections', 'connection counts of each endpoint instead (mode ipvs)', false)
    .option('--foreign', 'with --connections: virtual servers of other programs too', false)
    .action(async (options: ServicesOptions) => {
      const { runServices } = await import('./services.ts');
      finish(await runServices(options, terminal));
    });
}

function ingressCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return new Command('ingress')
    .copyInheritedSettings(program)
    .description('show what is published to clients outside: ports, marks, back ends and whether they live')
    .addOption(urlOption('/ingress'))
    .addOption(fromOption())
    .addOption(outputOption('table'))
    .option('-n, --namespace <name>', 'only Services of this namespace')
    .action(async (options: IngressOptions) => {
      const { runIngress } = await import('./ingress.ts');
      finish(await runIngress(options, terminal));
    });
}

function traceCommand(program: Command, terminal: Terminal, finish: Finish): Command {
  return withUsageCode(new Command('trace').copyInheritedSettings(program))
    .description('follow a packet through what this node’s kernel holds, and say what becomes of it and why')
    .argument('<source>', 'an IP address, node, outside, or NAMESPACE/NAME of a pod')
    .argument('<destination>', 'ADDRESS:PORT[/PROTOCOL] or NAMESPACE/SERVICE[:PORT][/PROTOCOL]')
    .addOption(urlOption('its debug pages; only names need it'))
    .addOption(outputOption('text'))
    .addOption(new Option('--family <family>', 'of the Service’s addresses').choices(['IPv4', 'IPv6']))
    .option('--device <name>', 'where the packet arrives, in place of where its source is routed to')
    .option('--source-port <port>', 'port that it is sent from', '40000')
    .action(async (source: string, destination: string, options: TraceOptions) => {
      const { runTrace } = await import('./trace.ts');
      finish(await runTrace(source, destination, options, terminal));
    });
}
