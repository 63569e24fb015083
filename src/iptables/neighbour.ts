import { ruleTarget } from './chain-facts.ts';
import { chainNames, ipvsModeChains, isOwnChain } from './names.ts';
import type { RulesetState, TableState } from './operation.ts';
import type { RuleText, TableName } from './rule.ts';

/** What of the tables a kube-proxy that works beside us has written: it has many names in common with us. */
export interface NeighbourRules {
  /** True for chains of a table that it uses. */
  keepsChain(table: TableName, chain: string): boolean;
  /** True for a rule of a built-in chain that it relies on. */
  keepsRule(table: TableName, rule: RuleText): boolean;
}

/** Where its rules begin, and how jumps look that only we have to the same chains. */
interface Shape {
  readonly roots: Readonly<Partial<Record<TableName, readonly string[]>>>;
  readonly ownJump: RegExp;
}

const natRoots = [chainNames.services, chainNames.postrouting];

const iptablesShape: Shape = {
  roots: {
    nat: natRoots,
    filter: [chainNames.services, chainNames.externalServices, chainNames.nodePorts, chainNames.forward, chainNames.firewall],
  },
  ownJump: new RegExp(`--dst-type LOCAL .*-j ${chainNames.externalServices}$`),
};

const ipvsShape: Shape = {
  // Some of them are led to only while a set has members, and are expected to be there all the same.
  roots: {
    nat: [...natRoots, ...ipvsModeChains],
    filter: [chainNames.forward, chainNames.firewall, ...ipvsModeChains],
  },
  ownJump: new RegExp(`"kubernetes load balancer firewall" -j ${chainNames.firewall}$`),
};

/**
 * Whoever synced last has written the chain that all Services begin with: its layout says who that was. Null where it was us,
 * or nobody: then nothing is the neighbour's yet, and its first sync writes all it needs.
 */
export function findNeighbourRules(ruleset: RulesetState): NeighbourRules | null {
  const nat = ruleset.get('nat');
  const services = nat?.chains.get(chainNames.services)?.rules;
  if (services === undefined || services.some((rule) => targetChain(rule) === chainNames.serviceIps)) return null;
  const shape = nat?.chains.has('KUBE-LOAD-BALANCER') === true ? ipvsShape : iptablesShape;
  const kept = new Map([...ruleset].map(([table, state]) => [table, reachable(state, shape.roots[table] ?? [])]));
  const keepsChain = (table: TableName, chain: string): boolean => kept.get(table)?.has(chain) === true;
  return {
    keepsChain,
    keepsRule: (table, rule) => keepsChain(table, targetChain(rule)) && !shape.ownJump.test(rule),
  };
}

/** The canary, by which kube-proxy notices a flush, and the mark, to which other programs jump, stand by themselves. */
function reachable(state: TableState, roots: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>([chainNames.canary, chainNames.markMasquerade]);
  const open = [...roots];
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    if (found.has(chain) || !isOwnChain(chain)) continue;
    found.add(chain);
    for (const rule of state.chains.get(chain)?.rules ?? []) open.push(targetChain(rule));
  }
  return found;
}

function targetChain(rule: RuleText): string {
  const target = ruleTarget(rule);
  return target?.chain === true ? target.name : '';
}
