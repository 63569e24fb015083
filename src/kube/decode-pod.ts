import { parseAddress } from '../model/mod.ts';
import type { Address, DnsData, PodRecord } from '../model/mod.ts';
import { beginFindings, fieldOf, finishDecoded, listOf, noteMalformed } from './decode-fields.ts';
import type { Decoded, Findings } from './decode-fields.ts';
import { readLabels } from './decode-labels.ts';
import { readObjectName, shareString } from './decode-names.ts';

/**
 * Reads a core/v1 Pod (DNS specification 3.7). Never throws; what is malformed is left out and noted. Refused only without a
 * name or a namespace (`WP_KUBE_OBJECT`). Ask {@link isPodGone} first.
 */
export function decodePod(raw: unknown, dns: DnsData | null): Decoded<PodRecord> {
  const named = readObjectName('Pod', raw);
  if (!named.ok) return named;
  const { namespace, key } = named.value;
  const findings = beginFindings(`Pod ${key}`);
  return finishDecoded(findings, {
    key,
    namespace,
    addresses: readAddresses(findings, fieldOf(raw, 'status')),
    nodeName: readNodeName(findings, fieldOf(fieldOf(raw, 'spec'), 'nodeName')),
    labels: readLabels(raw, dns?.keepLabels === true),
  });
}

/** The Pod ended, or is being deleted: its addresses may be somebody else's soon (DNS specification 3.7, 14.4). */
export function isPodGone(raw: unknown): boolean {
  const phase = fieldOf(fieldOf(raw, 'status'), 'phase');
  return phase === 'Succeeded' || phase === 'Failed' || fieldOf(fieldOf(raw, 'metadata'), 'deletionTimestamp') !== undefined;
}

/** `podIPs` has them all; `podIP` alone comes from writers that know only one. */
function readAddresses(findings: Findings, status: unknown): readonly Address[] {
  const list = listOf(findings, 'status.podIPs', fieldOf(status, 'podIPs'));
  const single = fieldOf(status, 'podIP');
  const texts = list.length > 0 || single === undefined ? list.map((entry) => fieldOf(entry, 'ip')) : [single];
  const found: Address[] = [];
  for (const [index, text] of texts.entries()) {
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address === null) noteMalformed(findings, `status.podIPs[${index}].ip`, text, 'an address is needed, it is left out');
    else if (!found.includes(address)) found.push(address);
  }
  return found;
}

function readNodeName(findings: Findings, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string') return shareString(value);
  noteMalformed(findings, 'spec.nodeName', value, 'a name is needed, the Pod counts as remote');
  return null;
}
