import type { EffectiveConfig } from '../config/mod.ts';
import { readProcServers, standardNumbers } from '../ipvs/mod.ts';
import { families, formatEndpoint, markLayout } from '../model/mod.ts';
import { finding } from './check-facts.ts';
import type { Finding, NodeFacts } from './check-facts.ts';
import { dummyInterface } from './predecessors.ts';
import { findForeignUses } from './check-marks.ts';

/** What other programs have in the kernel where ours is to go, and what kube-proxy has left there. */
export function checkCollisions(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const own = config.mode === 'ipvs' ? [...checkServers(config, facts), ...checkMarks(config, facts)] : [];
  return [...checkPredecessors(facts), ...own];
}

/** A table of this name says that this agent has run here: the marks in its range are then its own. */
function hasRunHere({ chains }: NodeFacts): boolean {
  return /^table ip6? waypost \{/m.test(chains ?? '');
}

function checkServers(config: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  if (facts.virtualServers === null) return [];
  const code = 'WP_CLI_CHECK_SERVERS';
  const left = new Set(facts.addresses.filter(({ device }) => device === dummyInterface).map(({ address }) => address));
  const node = new Set(facts.addresses.filter(({ device }) => device !== dummyInterface).map(({ address }) => address));
  const listed = readProcServers(facts.virtualServers);
  if (!listed.ok) return [finding('warning', code, `what virtual servers there are cannot be read: ${listed.problem.message}`)];
  const keys = listed.value.map(({ key }) => key);
  const named = keys.filter((key) => key.kind === 'address').filter(({ address }) => !left.has(address));
  const onNode = named.filter(({ address }) => node.has(address));
  const marks = keys.filter((key) => key.kind === 'mark').map(({ mark }) => mark);
  const ranged = hasRunHere(facts) ? [] : marks.filter((mark) => (mark & markLayout.prefixMask) >>> 0 === markLayout.prefix);
  return [
    ...onNode
      .slice(0, 1)
      .map(({ protocol, address, port }) =>
        finding(
          'warning',
          code,
          `${onNode.length} virtual servers are on addresses of the node, such as ${protocol} ${formatEndpoint(address, port)}`,
          'kube-proxy may have left them for node ports: compare with ipvsadm -Ln and remove what is nobody’s; they are left alone',
        ),
      ),
    ...ranged
      .slice(0, 1)
      .map((mark) =>
        finding(
          'error',
          code,
          `${ranged.length} virtual servers of another program have a mark in the range of ours, such as ${mark}`,
          `give them marks that do not begin with 0x57, or remove them`,
        ),
      ),
    ...describeForeign(config, hasRunHere(facts) ? 0 : named.length - onNode.length + marks.length - ranged.length),
  ];
}

function describeForeign({ ipvs }: EffectiveConfig, count: number): readonly Finding[] {
  if (count === 0) return [];
  const message = `${count} virtual servers may be another program's: those that no Service asks for are never touched`;
  const advice = ipvs.excludeCidrs.length === 0 ? 'name their ranges in ipvs.excludeCIDRs to keep Services off them too' : '';
  return [finding('note', 'WP_CLI_CHECK_SERVERS', message, advice)];
}

function checkMarks({ ipvs, ingress }: EffectiveConfig, facts: NodeFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_MARK';
  const numbers = { captureBit: ipvs.captureBit, ...(ingress ?? standardNumbers) };
  const rules = families.flatMap((family) => findForeignUses(facts.routingRules[family] ?? '', facts.mangleRules ?? '', numbers));
  const unique = [...new Set(rules)];
  if (unique.length === 0)
    return [finding('ok', code, `nobody else uses bit ${ipvs.captureBit} of the packet mark or table ${numbers.routeTable}`)];
  const advice = 'give ipvs.captureBit another bit, or the other program another bit or table';
  return unique.map((message) => finding('warning', code, message, advice));
}

function checkPredecessors({ processes, chains, addresses }: NodeFacts): readonly Finding[] {
  const code = 'WP_CLI_CHECK_PREDECESSOR';
  if (processes.has('kube-proxy')) {
    const message = 'kube-proxy is running on this node: two proxies overwrite each other’s rules';
    return [
      finding('warning', code, message, 'keep kube-proxy off the node before the start; its rules go on serving until then'),
    ];
  }
  const left = [
    ...(/^table ip6? kube-proxy \{/m.test(chains ?? '') ? ['the tables kube-proxy'] : []),
    ...(/^\s+chain KUBE-S(?:ERVICES|EP-|VC-)/m.test(chains ?? '') ? ['the chains KUBE-*'] : []),
    ...(addresses.some(({ device }) => device === dummyInterface) ? [`the interface ${dummyInterface}`] : []),
  ];
  if (left.length === 0) return [finding('ok', code, 'no other service proxy runs here')];
  return [
    finding('note', code, `kube-proxy has left ${left.join(', ')}: they serve until the first sync and are removed after it`),
  ];
}
