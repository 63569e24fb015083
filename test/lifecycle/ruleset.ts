import type { Family } from '../../src/model/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { foreignRules } from './foreign-rules.ts';

export type Variant = 'nft' | 'legacy';

/** One chain as `iptables-save -c` prints it. */
export interface SavedChain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** `-` for a chain that is not built in. */
  readonly policy: string;
  readonly rules: readonly { readonly text: string; readonly packets: number }[];
}

/** Every table of both families, each table's chains in the kernel's order. */
export type Ruleset = readonly SavedChain[];

const toolOf: Readonly<Record<Family, string>> = { IPv4: 'iptables', IPv6: 'ip6tables' };

/** Reads all rules of a place, of each family the lab has. */
export async function readRules(lab: Lab, place: Place, variant: Variant): Promise<Ruleset> {
  const saved = await Promise.all(lab.families.map((family) => saveRules(place, family, variant)));
  return saved.flat();
}

async function saveRules(place: Place, family: Family, variant: Variant): Promise<Ruleset> {
  const tool = `${toolOf[family]}-${variant}-save`;
  let problem = '';
  for (let tries = 0; tries < 5; tries += 1) {
    const { code, stdout, stderr } = await place.exec(tool, ['-c']);
    if (code === 0) return parseSaved(family, stdout);
    problem = stderr.trim();
    // The tool reads rules first and the names of their ipsets later; an agent at work may remove both in between.
    if (!/Set with index \d+ in kernel doesn't exist/.test(problem)) break;
  }
  throw new Error(`${tool}: ${problem}`);
}

/** Leaves nothing in a place but another program's rules: what was there goes. */
export async function resetRules(lab: Lab, place: Place, variant: Variant): Promise<void> {
  for (const family of lab.families) {
    const tool = `${toolOf[family]}-${variant}-restore`;
    const { code, stderr } = await place.exec(tool, [], foreignRules(family));
    if (code !== 0) throw new Error(`${tool}: ${stderr.trim()}`);
  }
}

/** Runs one command of the plain kind, such as `-t nat -F KUBE-SERVICES`, for a family. */
export async function runIptables(place: Place, family: Family, variant: Variant, args: readonly string[]): Promise<void> {
  const tool = `${toolOf[family]}-${variant}`;
  const { code, stderr } = await place.exec(tool, args);
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')}: ${stderr.trim()}`);
}

/** The whole set as text that two equal sets share: chains sorted, rules in order, without counters. */
export function describeRules(ruleset: Ruleset): string {
  return ruleset
    .filter((chain) => !isVacant(chain))
    .map((chain) => [titleOf(chain), ...chain.rules.map((rule) => `  ${rule.text}`)].join('\n'))
    .toSorted()
    .join('\n');
}

/** Whatever is not the agent's, in the kernel's order; `KUBE-FIREWALL`, which it shares, is left out. */
export function describeForeign(ruleset: Ruleset): string {
  return ruleset
    .filter((chain) => !isOurs(chain.name) && chain.name !== sharedChain)
    .map((chain) => ({ ...chain, rules: chain.rules.filter(({ text }) => !isOurs(targetOf(text))) }))
    .filter((chain) => !isVacant(chain))
    .map((chain) => [titleOf(chain), ...chain.rules.map((rule) => `  ${rule.text}`)].join('\n'))
    .join('\n');
}

/** The agent's chains, sorted, and its jumps from others, each in the kernel's order. */
export function describeOwn(ruleset: Ruleset): string {
  const own = ruleset.map((chain) => ({
    ...chain,
    rules: isOurs(chain.name) ? chain.rules : chain.rules.filter(({ text }) => isOurs(targetOf(text))),
  }));
  return describeRules(own.filter(({ name, rules }) => isOurs(name) || rules.length > 0));
}

/** The agent's rules and chains, one line each, with the packets each rule has counted. */
export function ownCounters(ruleset: Ruleset): ReadonlyMap<string, number> {
  const lines = ruleset.flatMap((chain): [string, number][] => {
    const own = isOurs(chain.name);
    const rules = chain.rules.filter(({ text }) => own || isOurs(targetOf(text)));
    const counted = rules.map(({ text, packets }): [string, number] => [`${titleOf(chain)} ${text}`, packets]);
    return own ? [[titleOf(chain), 0], ...counted] : counted;
  });
  return new Map(lines);
}

/** The rules of one chain; none where it does not exist. */
export function rulesOf(ruleset: Ruleset, family: Family, table: string, name: string): readonly string[] {
  const chain = ruleset.find((one) => one.family === family && one.table === table && one.name === name);
  return chain?.rules.map(({ text }) => text) ?? [];
}

/** The ipsets that rules name, sorted. */
export function setsNamed(ruleset: Ruleset): readonly string[] {
  const texts = ruleset.flatMap((chain) => chain.rules.map(({ text }) => text));
  return [...new Set(texts.flatMap((text) => / --match-set (\S+)/.exec(text)?.[1] ?? []))].toSorted();
}

/** The names of the ipsets of a place, sorted; none where there is no ipset. */
export async function listSets(place: Place): Promise<readonly string[]> {
  const { code, stdout, stderr } = await place.exec('ipset', ['list', '-n']);
  if (code !== 0 && !stderr.includes('exec of "ipset" failed')) throw new Error(`ipset: ${stderr.trim()}`);
  return stdout.split('\n').filter(Boolean).toSorted();
}

/** Lines that only one of two texts has, with a sign before each. */
export function differLines(before: string, after: string): string {
  const [old, next] = [before.split('\n'), after.split('\n')];
  const [oldSet, nextSet] = [new Set(old), new Set(next)];
  const gone = old.filter((line) => !nextSet.has(line)).map((line) => `- ${line}`);
  return [...gone, ...next.filter((line) => !oldSet.has(line)).map((line) => `+ ${line}`)].slice(0, 60).join('\n');
}

/** kubelet's chain, to which the agent adds and from which it removes nothing (specification 14). */
const sharedChain = 'KUBE-FIREWALL';

/** Chains of other programs whose names begin as ours do. */
const foreignNames = /^KUBE-(?:FIREWALL|KUBELET-CANARY|IPTABLES-HINT|ROUTER-.*)$/;

function isOurs(chain: string): boolean {
  return chain.startsWith('KUBE-') && !foreignNames.test(chain);
}

/** The chain a rule jumps to; comments, which may hold anything, are no part of the search. */
function targetOf(rule: string): string {
  return / -[jg] (\S+)/.exec(rule.replaceAll(/--comment (?:"(?:[^"\\]|\\.)*"|\S+)/g, ''))?.[1] ?? '';
}

/** An empty built-in chain appears as soon as anybody looks at its table. */
function isVacant(chain: SavedChain): boolean {
  return chain.policy === 'ACCEPT' && chain.rules.length === 0;
}

function titleOf({ family, table, name, policy }: SavedChain): string {
  return `${family} ${table} ${name} ${policy}`;
}

function parseSaved(family: Family, text: string): SavedChain[] {
  const tables: { table: string; chains: Map<string, { policy: string; rules: { text: string; packets: number }[] }> }[] = [];
  for (const line of text.split('\n')) {
    const chains = tables.at(-1)?.chains;
    if (line.startsWith('*')) tables.push({ table: line.slice(1), chains: new Map() });
    else if (line.startsWith(':')) {
      const [name = '', policy = ''] = line.slice(1).split(' ');
      chains?.set(name, { policy, rules: [] });
    } else if (line.startsWith('[')) {
      const [, packets, name = '', rule = ''] = /^\[(\d+):\d+\] -A (\S+)(.*)$/.exec(line) ?? [];
      const chain = chains?.get(name);
      if (chain === undefined) throw new Error(`a rule of no chain: ${line}`);
      chain.rules.push({ text: rule, packets: Number(packets) });
    } else if (line !== '' && line !== 'COMMIT' && !line.startsWith('#')) throw new Error(`not iptables-save: ${line}`);
  }
  return tables
    .toSorted((a, b) => (a.table < b.table ? -1 : 1))
    .flatMap(({ table, chains }) => [...chains].map(([name, chain]) => ({ family, table, name, ...chain })));
}
