import { formatEndpoint } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import type { ConntrackFlow } from '../netlink/mod.ts';
import { nodePortKey } from './conntrack-ports.ts';
import type { FrontendKey, UdpPort } from './conntrack-ports.ts';

/** What the flows of one dump are judged by. */
export interface ConntrackView {
  /** Frontends, served or given up, whose flows are looked at. */
  readonly examined: ReadonlySet<FrontendKey>;
  /** Every UDP service port that is served there now, of whatever Service; empty for a frontend that was given up. */
  readonly ownersOf: (key: FrontendKey) => readonly UdpPort[];
  /** An address of this node that accepts node ports. */
  readonly acceptsNodePorts: (address: Address) => boolean;
}

/**
 * Which flows no longer go where a new one would (specification 6.1 and 15):
 * - To a frontend that is served: those that a serving endpoint of it does not answer. That includes flows that were
 *   never translated, because they began before there was an endpoint.
 * - To a frontend that was given up: those that are still translated. An untranslated one does what any new one does.
 * - To a node port: the same, if the packet was sent to an address of this node that accepts node ports. A flow
 *   that merely has the same port number is somebody else's.
 *
 * TCP and SCTP never: their connections end by themselves or must be allowed to finish.
 */
export function planRemovals(flows: Iterable<ConntrackFlow>, view: ConntrackView): ConntrackFlow[] {
  const stale: ConntrackFlow[] = [];
  for (const flow of flows) if (flow.protocol === 'UDP' && isStale(flow, view)) stale.push(flow);
  return stale;
}

function isStale(flow: ConntrackFlow, view: ConntrackView): boolean {
  const direct = formatEndpoint(flow.destination, flow.destinationPort);
  const owners = view.ownersOf(direct);
  // A Service address wins over a node port with the same number (specification 2.1).
  if (owners.length > 0) return view.examined.has(direct) && !isAnswered(flow, owners);
  const byNodePort = nodePortKey(flow.destinationPort);
  const nodePort = view.acceptsNodePorts(flow.destination);
  const examined = view.examined.has(direct) || (nodePort && view.examined.has(byNodePort));
  if (!examined) return false;
  const nodePortOwners = nodePort ? view.ownersOf(byNodePort) : [];
  return nodePortOwners.length > 0 ? !isAnswered(flow, nodePortOwners) : isTranslated(flow);
}

function isAnswered(flow: ConntrackFlow, owners: readonly UdpPort[]): boolean {
  const replier = formatEndpoint(flow.replySource, flow.replySourcePort);
  return owners.some((owner) => owner.backends.has(replier));
}

function isTranslated(flow: ConntrackFlow): boolean {
  return flow.replySource !== flow.destination || flow.replySourcePort !== flow.destinationPort;
}
