import { parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, IngressData, NodeRecord, Prefix } from '../model/mod.ts';
import { openAnnotations, wholeOf } from './decode-annotations.ts';
import { beginFindings, describeValue, fieldOf, finishDecoded, listOf, noteMalformed, refuseObject } from './decode-fields.ts';
import type { Decoded, Findings } from './decode-fields.ts';
import { readLabels } from './decode-labels.ts';
import { isName } from './decode-names.ts';

const zoneLabel = 'topology.kubernetes.io/zone';

/** Set by the cluster autoscaler on a Node it is about to remove (KEP-3836). */
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';

/**
 * Reads a core/v1 Node (specification 1.4). Never throws; what is malformed is left out and noted.
 * Refused only without a name (`WP_KUBE_OBJECT`). Without `ingress` no labels are kept.
 */
export function decodeNode(raw: unknown, ingress: IngressData | null = null): Decoded<NodeRecord> {
  const metadata = fieldOf(raw, 'metadata');
  const name = fieldOf(metadata, 'name');
  if (!isName(name)) return refuseObject('a Node', `metadata.name is ${describeValue(name)}, the object is ignored`);
  const findings = beginFindings(`Node ${name}`);
  return finishDecoded(findings, {
    name,
    addresses: readAddresses(findings, fieldOf(fieldOf(raw, 'status'), 'addresses')),
    podCidrs: readPodCidrs(findings, fieldOf(fieldOf(raw, 'spec'), 'podCIDRs')),
    zone: readZone(findings, fieldOf(fieldOf(metadata, 'labels'), zoneLabel)),
    leaving: fieldOf(metadata, 'deletionTimestamp') !== undefined || hasLeavingTaint(findings, raw),
    labels: readLabels(raw, ingress !== null),
    weight: wholeOf(openAnnotations(findings, fieldOf(metadata, 'annotations')), 'node-weight', 0, 65_535, null),
  });
}

/** Host names and DNS names are of no use to a proxy and are passed over. */
function readAddresses(findings: Findings, list: unknown): readonly Address[] {
  const internal: Address[] = [];
  const external: Address[] = [];
  for (const [index, entry] of listOf(findings, 'status.addresses', list).entries()) {
    const type = fieldOf(entry, 'type');
    const found = type === 'InternalIP' ? internal : type === 'ExternalIP' ? external : null;
    if (found === null) continue;
    const text = fieldOf(entry, 'address');
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address !== null) found.push(address);
    else noteMalformed(findings, `status.addresses[${index}].address`, text, 'an address is needed, it is left out');
  }
  return [...internal, ...external];
}

function readPodCidrs(findings: Findings, list: unknown): readonly Prefix[] {
  const found: Prefix[] = [];
  for (const [index, value] of listOf(findings, 'spec.podCIDRs', list).entries()) {
    const prefix = typeof value === 'string' ? parsePrefix(value) : null;
    if (prefix !== null) found.push(prefix);
    else noteMalformed(findings, `spec.podCIDRs[${index}]`, value, 'a range like 10.0.0.0/24 is needed, it is left out');
  }
  return found;
}

function readZone(findings: Findings, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string') return value;
  noteMalformed(findings, `metadata.labels[${zoneLabel}]`, value, 'a name is needed, the Node counts as being in no zone');
  return null;
}

function hasLeavingTaint(findings: Findings, raw: unknown): boolean {
  const taints = listOf(findings, 'spec.taints', fieldOf(fieldOf(raw, 'spec'), 'taints'));
  return taints.some((taint) => fieldOf(taint, 'key') === leavingTaint);
}
