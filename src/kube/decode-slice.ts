import { familyOf, parseAddress } from '../model/mod.ts';
import type { EndpointRecord, Family, SlicePortRecord, SliceRecord } from '../model/mod.ts';
import { beginFindings, describeValue, fieldOf, finishDecoded, listOf, noteMalformed, refuseObject } from './decode-fields.ts';
import type { Decoded, Findings } from './decode-fields.ts';
import { isName, readObjectName, shareList, shareString } from './decode-names.ts';
import { readPortName, readPortNumber, readProtocol } from './decode-service-ports.ts';

const serviceLabel = 'kubernetes.io/service-name';
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** RFC 3339 as Go's time.RFC3339Nano writes it; Date.parse alone takes far more than that. */
const timestampPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

const noHints: readonly string[] = [];

/**
 * Reads a discovery.k8s.io/v1 EndpointSlice (specification 1.3). Never throws; what is malformed is left
 * out and noted. Refused without a name, a namespace or a Service to belong to, and with an address type
 * other than IPv4 and IPv6 (`WP_KUBE_OBJECT`).
 */
export function decodeSlice(raw: unknown): Decoded<SliceRecord> {
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
  return finishDecoded(findings, {
    key,
    service: shareString(`${namespace}/${service}`),
    family,
    ports: readPorts(findings, fieldOf(raw, 'ports')),
    endpoints: readEndpoints(findings, fieldOf(raw, 'endpoints'), family),
    triggeredAt: readTriggerTime(findings, fieldOf(fieldOf(metadata, 'annotations'), triggerAnnotation)),
  });
}

/** A port without name or number does not mean "all ports" to a proxy: it is left out (specification 1.3). */
function readPorts(findings: Findings, list: unknown): readonly SlicePortRecord[] {
  const found: SlicePortRecord[] = [];
  for (const [index, entry] of listOf(findings, 'ports', list).entries()) {
    const path = `ports[${index}]`;
    const name = readPortName(findings, path, fieldOf(entry, 'name'));
    const protocol = readProtocol(findings, path, fieldOf(entry, 'protocol'));
    const port = readPortNumber(findings, path, fieldOf(entry, 'port'));
    if (name !== null && protocol !== null && port !== null) found.push({ name, protocol, port });
  }
  return found;
}

function readEndpoints(findings: Findings, list: unknown, family: Family): readonly EndpointRecord[] {
  const entries = listOf(findings, 'endpoints', list);
  const found: EndpointRecord[] = [];
  for (let index = 0; index < entries.length; index += 1) {
    const endpoint = readEndpoint(findings, index, entries[index], family);
    if (endpoint !== null) found.push(endpoint);
  }
  return found;
}

function readEndpoint(findings: Findings, index: number, entry: unknown, family: Family): EndpointRecord | null {
  const addresses = fieldOf(entry, 'addresses');
  const text: unknown = Array.isArray(addresses) ? addresses[0] : addresses;
  const address = Array.isArray(addresses) && typeof text === 'string' ? parseAddress(text) : null;
  if (address === null || familyOf(address) !== family) {
    const consequence = `an ${family} address is needed, the endpoint is left out`;
    noteMalformed(findings, `endpoints[${index}].addresses[0]`, text, consequence);
    return null;
  }
  const conditions = fieldOf(entry, 'conditions');
  const hints = fieldOf(entry, 'hints');
  return {
    address,
    ready: readCondition(findings, index, conditions, 'ready', true),
    serving: readCondition(findings, index, conditions, 'serving', true),
    terminating: readCondition(findings, index, conditions, 'terminating', false),
    nodeName: readNodeName(findings, index, fieldOf(entry, 'nodeName')),
    zone: readZone(findings, index, fieldOf(entry, 'zone')),
    zoneHints: hints === undefined ? noHints : readHints(findings, index, hints, 'forZones'),
    nodeHints: hints === undefined ? noHints : readHints(findings, index, hints, 'forNodes'),
  };
}

type Condition = 'ready' | 'serving' | 'terminating';

function readCondition(findings: Findings, index: number, conditions: unknown, name: Condition, whenNil: boolean): boolean {
  const value = fieldOf(conditions, name);
  if (typeof value === 'boolean') return value;
  if (value === undefined) return whenNil;
  noteMalformed(findings, `endpoints[${index}].conditions.${name}`, value, `true or false is needed, ${whenNil} is assumed`);
  return whenNil;
}

function readNodeName(findings: Findings, index: number, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string') return shareString(value);
  noteMalformed(findings, `endpoints[${index}].nodeName`, value, 'a name is needed, the endpoint counts as remote');
  return null;
}

function readZone(findings: Findings, index: number, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string') return shareString(value);
  noteMalformed(findings, `endpoints[${index}].zone`, value, 'a name is needed, the endpoint counts as being in no zone');
  return null;
}

function readHints(findings: Findings, index: number, hints: unknown, field: 'forZones' | 'forNodes'): readonly string[] {
  const value = fieldOf(hints, field);
  if (value === undefined) return noHints;
  const path = `endpoints[${index}].hints.${field}`;
  const names: string[] = [];
  for (const [at, hint] of listOf(findings, path, value).entries()) {
    const name = fieldOf(hint, 'name');
    if (typeof name === 'string' && name !== '') names.push(name);
    else noteMalformed(findings, `${path}[${at}].name`, name, 'a name is needed, the hint is left out');
  }
  return shareList(names);
}

function readTriggerTime(findings: Findings, value: unknown): number | null {
  if (value === undefined) return null;
  const time = typeof value === 'string' && timestampPattern.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  noteMalformed(findings, `metadata.annotations[${triggerAnnotation}]`, value, 'an RFC 3339 time is needed, it is ignored');
  return null;
}
