import type { DnsData, NamespaceRecord } from '../model/mod.ts';
import { describeValue, fieldOf, refuseObject } from './decode-fields.ts';
import type { Decoded } from './decode-fields.ts';
import { readLabels } from './decode-labels.ts';
import { isName, shareString } from './decode-names.ts';

/**
 * Reads a core/v1 Namespace. It exists while its object does: neither phase nor deletion timestamp is looked at (DNS
 * specification 1.2). Never throws; refused only without a name (`WP_KUBE_OBJECT`).
 */
export function decodeNamespace(raw: unknown, dns: DnsData | null): Decoded<NamespaceRecord> {
  const name = fieldOf(fieldOf(raw, 'metadata'), 'name');
  if (!isName(name)) return refuseObject('a Namespace', `metadata.name is ${describeValue(name)}, the object is ignored`);
  return { ok: true, value: { name: shareString(name), labels: readLabels(raw, dns?.keepLabels === true) }, warnings: [] };
}
