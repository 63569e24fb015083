import type { DnsData, SliceRecord } from '../model/mod.ts';
import { readEndpoints } from './decode-endpoints.ts';
import { beginFindings, describeValue, fieldOf, finishDecoded, noteMalformed, refuseObject } from './decode-fields.ts';
import type { Decoded, Findings } from './decode-fields.ts';
import { readLabels } from './decode-labels.ts';
import { isName, readObjectName, shareString } from './decode-names.ts';
import { isProxiedSlice } from './decode-selectors.ts';
import { readSlicePorts } from './decode-slice-ports.ts';
import { parseTimestamp } from './decode-time.ts';

const serviceLabel = 'kubernetes.io/service-name';
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * Reads a discovery.k8s.io/v1 EndpointSlice (specification 1.3). Never throws; what is malformed is left
 * out and noted. Refused without a name, a namespace or a Service to belong to, and with an address type
 * other than IPv4 and IPv6 (`WP_KUBE_OBJECT`). Without `dns` every slice is taken for one that a proxy reads.
 */
export function decodeSlice(raw: unknown, dns: DnsData | null = null): Decoded<SliceRecord> {
  const named = readObjectName('EndpointSlice', raw);
  if (!named.ok) return named;
  const { namespace, key } = named.value;
  const findings = beginFindings(`EndpointSlice ${key}`);
  const metadata = fieldOf(raw, 'metadata');
  const service = fieldOf(fieldOf(metadata, 'labels'), serviceLabel);
  if (!isName(service)) {
    return refuseObject(findings.subject, `label ${serviceLabel} is ${describeValue(service)}, the slice is ignored`);
  }
  const family = fieldOf(raw, 'addressType');
  if (family !== 'IPv4' && family !== 'IPv6') {
    const reason = `addressType is ${describeValue(family)}, IPv4 or IPv6 is needed, the slice is ignored`;
    return refuseObject(findings.subject, reason);
  }
  const proxied = dns === null || isProxiedSlice(raw);
  const { ports, publishedPorts } = readSlicePorts(findings, fieldOf(raw, 'ports'), proxied, dns);
  const { endpoints, furtherEndpoints } = readEndpoints(findings, fieldOf(raw, 'endpoints'), family, dns);
  return finishDecoded(findings, {
    key,
    service: shareString([namespace, service].join('/')),
    proxied,
    family,
    ports,
    publishedPorts,
    endpoints,
    furtherEndpoints,
    triggeredAt: readTriggerTime(findings, fieldOf(fieldOf(metadata, 'annotations'), triggerAnnotation)),
    labels: readLabels(raw, dns?.keepLabels === true),
  });
}

function readTriggerTime(findings: Findings, value: unknown): number | null {
  if (value === undefined) return null;
  const time = parseTimestamp(value);
  if (time !== null) return time;
  noteMalformed(findings, `metadata.annotations[${triggerAnnotation}]`, value, 'an RFC 3339 time is needed, it is ignored');
  return null;
}
