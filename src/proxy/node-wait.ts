import type { Family, NodeChoices, NodeRecord, Problem } from '../model/mod.ts';
import { resolveNodeAddress } from './settings.ts';

/** Specification 1.4: how long a start waits for the Node's addresses and for its pod CIDRs, in milliseconds. */
const addressWait = 30_000;
const podCidrWait = 300_000;

export interface NodeDemands {
  readonly choices: NodeChoices;
  readonly nodeName: string;
  /** Those that run, the primary one first. */
  readonly families: readonly Family[];
}

/** What is known of the Node when the waiting is over. */
export interface NodeVerdict {
  /** The agent cannot do what it was configured for. */
  readonly fatal: Problem | null;
  readonly warnings: readonly Problem[];
}

/** How long to wait for the Node after everything was listed, in milliseconds. */
export function nodePatience({ podDetection }: NodeChoices): number {
  return podDetection.kind === 'node-cidr' ? podCidrWait : addressWait;
}

/** True when there is nothing more to wait for. */
export function isNodeKnown(node: NodeRecord | null, { podDetection }: NodeChoices): boolean {
  if (node === null || node.addresses.length === 0) return false;
  return podDetection.kind !== 'node-cidr' || node.podCidrs.length > 0;
}

/** Judges what the waiting brought (specification 1.4, 2.1 and 4.2). */
export function judgeNode(node: NodeRecord | null, demands: NodeDemands): NodeVerdict {
  const { nodeName } = demands;
  const warnings: Problem[] = [];
  if (node === null || node.addresses.length === 0) {
    const message = `Node ${nodeName} is unknown or has no address; going on without`;
    warnings.push({ code: 'WP_PROXY_NO_NODE_ADDRESS', message });
  }
  return { fatal: judgePodCidrs(node, demands), warnings: [...warnings, ...findOpenFamilies(node, demands)] };
}

function judgePodCidrs(node: NodeRecord | null, { choices, nodeName, families }: NodeDemands): Problem | null {
  if (choices.podDetection.kind !== 'node-cidr') return null;
  const cidrs = node?.podCidrs ?? [];
  if (cidrs.length === 0) {
    const message = `Node ${nodeName} has no spec.podCIDRs, which detectLocalMode NodeCIDR needs`;
    return { code: 'WP_PROXY_NO_POD_CIDR', message };
  }
  const [primary] = families;
  if (primary === undefined || cidrs.some(({ family }) => family === primary)) return null;
  const message = `Node ${nodeName} has no ${primary} range in spec.podCIDRs, which detectLocalMode NodeCIDR needs for the primary family`;
  return { code: 'WP_PROXY_NO_POD_CIDR', message };
}

/** `primary` means an address of the Node; where it has none, node ports are open on all of the family. */
function findOpenFamilies(node: NodeRecord | null, { choices, nodeName, families }: NodeDemands): Problem[] {
  if (choices.nodePorts.kind !== 'primary') return [];
  return families
    .filter((family) => resolveNodeAddress(choices, family, node) === null)
    .map((family) => ({
      code: 'WP_PROXY_NODE_PORTS_OPEN',
      message: `nodePortAddresses is primary, but Node ${nodeName} has no ${family} address: every local ${family} address accepts node ports`,
    }));
}
