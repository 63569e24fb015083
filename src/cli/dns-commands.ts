import { Command } from 'commander';
import * as v from 'valibot';
import { urlOption } from './agent-commands.ts';
import { askPage, sendToAgent, tellUnanswered } from './ask-agent.ts';
import { outputOption, printDocument } from './print-document.ts';
import type { DocumentFormat } from './print-document.ts';
import { printProblems } from './terminal.ts';
import type { Terminal } from './terminal.ts';

const lookupSchema = v.variant('ok', [
  v.object({ ok: v.literal(false), error: v.string() }),
  v.object({
    ok: v.literal(true),
    question: v.string(),
    rcode: v.string(),
    authoritative: v.boolean(),
    stage: v.string(),
    answer: v.array(v.string()),
    authority: v.array(v.string()),
    additional: v.array(v.string()),
    steps: v.array(v.string()),
  }),
]);

type Lookup = v.InferOutput<typeof lookupSchema>;

/** `waypost dns …`. */
export function dnsCommand(program: Command, terminal: Terminal, finish: (code: number) => void): Command {
  const command = new Command('dns').copyInheritedSettings(program).description('look into the resolver of the running agent');
  command
    .command('lookup')
    .description('ask the running agent for a name and say how the answer came about')
    .argument('<name>', 'the name; a dot at the end may be left out')
    .argument('[type]', 'record type, such as A, AAAA or SRV', 'A')
    .option('--source <address>', 'ask as if this pod did (autopath)', '')
    .addOption(outputOption('text'))
    .addOption(urlOption('its debug pages'))
    .action(async (name: string, type: string, options: LookupOptions) => finish(await runLookup(name, type, options, terminal)));
  command
    .command('log')
    .description('switch the query log of the running agent')
    .addArgument(command.createArgument('<state>', 'on or off').choices(['on', 'off']))
    .addOption(urlOption('its debug pages'))
    .action(async (state: string, { url }: { readonly url: string }) => finish(await runLog(state === 'on', url, terminal)));
  command
    .command('convert')
    .description('print a Corefile or a ConfigMap of CoreDNS or kube-dns as WaypostDNSConfiguration')
    .argument('<path>', 'a file, or the folder of a mounted ConfigMap')
    .option('--cluster-domain <domain>', 'domain of the cluster, where the file does not name it', 'cluster.local')
    .option('--resolv-conf <path>', 'file with the upstream servers, where the file names none', '/etc/resolv.conf')
    .action(async (path: string, options: ConvertOptions) => finish(await runConvert(path, options, terminal)));
  return command;
}

interface LookupOptions {
  readonly source: string;
  readonly output: 'text' | DocumentFormat;
  readonly url: string;
}

async function runLookup(
  name: string,
  type: string,
  { source, output, url }: LookupOptions,
  terminal: Terminal,
): Promise<number> {
  // What can be seen to be wrong here need not be told by an agent that may not run. Other commands need nothing of it.
  const { checkQuestion } = await import('./dns-question.ts');
  const wrong = checkQuestion({ name, type, source });
  if (wrong !== null) {
    terminal.err(`waypost: ${wrong}\n`);
    return 2;
  }
  const query = new URLSearchParams({ name, type, source });
  const asked = await askPage<Lookup>(url, `/dns/lookup?${query.toString()}`, lookupSchema, { states: [200, 404] });
  if (!asked.ok) return tellUnanswered(asked.problem, terminal);
  const lookup = asked.value;
  if (output !== 'text') printDocument({ version: 1, ...lookup }, output, terminal);
  else if (lookup.ok) terminal.out(formatLookup(lookup));
  else terminal.err(`waypost: ${lookup.error}\n`);
  return lookup.ok && lookup.rcode !== 'SERVFAIL' && lookup.rcode !== 'REFUSED' ? 0 : 1;
}

/** The answer as dig has it, and under it how it came about. */
function formatLookup(lookup: Extract<Lookup, { readonly ok: true }>): string {
  const { question, rcode, authoritative, stage, answer, authority, additional, steps } = lookup;
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
  return [
    `${question}: ${rcode}${authoritative ? ', authoritative' : ''}, from ${stage === '' ? 'no stage' : stage}`,
    ...section('answer', answer),
    ...section('authority', authority),
    ...section('additional', additional),
    ...section('how', steps),
    '',
  ].join('\n');
}

async function runLog(on: boolean, url: string, terminal: Terminal): Promise<number> {
  const sent = await sendToAgent(url, `/dns/log?on=${on}`);
  if (!sent.ok) return tellUnanswered(sent.problem, terminal);
  terminal.out(`the query log is ${on ? 'on' : 'off'}\n`);
  return 0;
}

interface ConvertOptions {
  readonly clusterDomain: string;
  readonly resolvConf: string;
}

async function runConvert(path: string, { clusterDomain, resolvConf }: ConvertOptions, terminal: Terminal): Promise<number> {
  // Other commands need nothing of it.
  const { convertPath, parseName } = await import('../dns/mod.ts');
  const domain = parseName(clusterDomain.endsWith('.') ? clusterDomain : `${clusterDomain}.`);
  if (domain === null) {
    terminal.err(`waypost: --cluster-domain must be a domain such as cluster.local, not "${clusterDomain}"\n`);
    return 2;
  }
  const converted = convertPath(path, { clusterDomain: domain, upstreamFile: resolvConf, env: process.env });
  printProblems(terminal, [...converted.warnings, ...converted.problems]);
  if (converted.yaml === null) return 1;
  terminal.out(converted.yaml);
  return 0;
}
