import { protocolNumbers } from '../model/mod.ts';
import type { SideClient, TunnelProtocol } from '../model/mod.ts';
import { clearMarkBits, inSet, match, matchNot, notInSet, setMarkBits } from './expression.ts';
import type { Statement } from './expression.ts';
import {
  filterChain,
  fromPeerLink,
  drop,
  goto,
  hasBits,
  isNew,
  leave,
  matchPodTraffic,
  matchTunnels,
  plainChain,
  portUnreachable,
} from './side-context.ts';
import type { SideChain, SideContext } from './side-context.ts';
import { refusedRanges, refusedSet } from './side-sets.ts';

/**
 * Before anything tracks a packet: tunnels that no peer sent end here, and ports are rewritten. What a peer sends on has
 * its new port already; of packets from a peer's link-layer address those are it that ask for such a port.
 */
export function planArrival(context: SideContext): SideChain {
  const { settings, fields } = context;
  return filterChain('arrival', 'prerouting', -300, [
    // What the node sends to itself was rewritten in OUTPUT.
    [match('iifname', 'lo'), leave],
    ...settings.tunnelProtocols.map((tunnel) => [
      ...matchTunnelProtocol(tunnel),
      // Tunnels that only pass through this node are nobody's business.
      matchNot('fib daddr type', 'unicast'),
      notInSet([fields.saddr], 'peers'),
      drop,
    ]),
    ...matchTunnels(context).map((tunnel) => [tunnel, leave]),
    [fromPeerLink, inSet(fields.destination, 'hidden_ports'), leave],
    [goto('rewrite')],
  ]);
}

function matchTunnelProtocol(tunnel: TunnelProtocol): readonly Statement[] {
  return 'udpPort' in tunnel
    ? [match('l4proto', protocolNumbers.UDP), match('dport', tunnel.udpPort)]
    : [match('l4proto', tunnel.protocol)];
}

/**
 * IPv4 sends no ICMP error and no reset from an address that is not in the local routing table, so clients of captured
 * addresses are rejected before routing: then the error comes from an address of the node (net/ipv4/icmp.c, route.c).
 * A captured port is asked for rejections of its own, a port of a captured range for those of the range too.
 */
export function planCapture(context: SideContext): readonly SideChain[] {
  const { fields, captureBit } = context;
  const take = setMarkBits(captureBit);
  const toCaptured = inSet([fields.daddr], 'captured_addresses');
  const fromPod = matchPodTraffic(context);
  const refuse = (client: Exclude<SideClient, 'node'>, ranges: boolean): SideChain['rules'] =>
    [refusedSet(client), ...(ranges ? [refusedRanges(client)] : [])].map((set) => [
      inSet(fields.destination, set),
      isNew,
      portUnreachable,
    ]);
  const takeChains = (name: string, ranges: boolean): readonly SideChain[] => [
    plainChain(name, [
      ...[...matchTunnels(context), fromPeerLink].map((peer) => [peer, goto(`${name}_peer`)]),
      ...(fromPod === null ? [] : [[fromPod, goto(`${name}_pod`)]]),
      ...refuse('outside', ranges),
      [take],
    ]),
    plainChain(`${name}_pod`, [...refuse('pod', ranges), [take]]),
    plainChain(`${name}_peer`, [...refuse('peer', ranges), [take]]),
  ];
  return [
    filterChain('capture', 'prerouting', -150, [
      [hasBits(captureBit), clearMarkBits(captureBit)],
      [inSet(fields.destination, 'captured'), goto('capture_port')],
      [inSet(fields.destination, 'captured_ranges'), goto('capture_range')],
      [match('l4proto', fields.icmpProtocol), match('ct state', { anyOf: ['related'] }), toCaptured, take],
      ...planCapturedEcho(context, toCaptured, take),
    ]),
    ...takeChains('capture_port', false),
    ...takeChains('capture_range', true),
  ];
}

/** Refused here for the same reason; an answer of IPv4 is the business of {@link planEcho}. */
function planCapturedEcho(context: SideContext, toCaptured: Statement, take: Statement): SideChain['rules'] {
  const { family, settings, fields } = context;
  if (settings.echo === 'refuse') return planRefusedEcho(context);
  return family === 'IPv6' ? [[match(fields.icmpType, fields.echoRequest), toCaptured, take]] : [];
}

export function planRefusedEcho({ settings, fields }: SideContext): SideChain['rules'] {
  if (settings.echo === 'answer') return [];
  const isEcho = match(fields.icmpType, fields.echoRequest);
  return [[isEcho, inSet([fields.daddr], 'captured_addresses'), { kind: 'reject', with: 'admin-prohibited' }]];
}

/**
 * IPv4 sends no echo reply from an address that is not in the local routing table: an address of the node answers in the
 * place of a captured one, and the answer is translated back.
 */
export function planEcho({ settings: { echoAddress }, fields }: SideContext): readonly SideChain[] {
  const isEcho = match(fields.icmpType, fields.echoRequest);
  const toCaptured = inSet([fields.daddr], 'captured_addresses');
  const rules: SideChain['rules'] =
    echoAddress === null ? [] : [[isEcho, toCaptured, { kind: 'dnat', to: { address: echoAddress, port: null } }]];
  return [
    { name: 'echo_in', hook: { type: 'nat', hook: 'prerouting', priority: -100 }, rules },
    { name: 'echo_out', hook: { type: 'nat', hook: 'output', priority: -100 }, rules },
  ];
}
