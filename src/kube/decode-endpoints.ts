import { familyOf, parseAddress } from '../model/mod.ts';
import type { Address, DnsData, EndpointRecord, Family } from '../model/mod.ts';
import { fieldOf, listOf, noteMalformed } from './decode-fields.ts';
import type { Findings } from './decode-fields.ts';
import { isName, shareList, shareString, trimList } from './decode-names.ts';

/** The endpoints of a slice: those by first addresses, which all readers use, and those by further ones, for DNS. */
export interface SliceEndpoints {
  readonly endpoints: readonly EndpointRecord[];
  readonly furtherEndpoints: readonly EndpointRecord[];
}

/** RFC 1035 2.3.4. */
const longestLabel = 63;

const noHints: readonly string[] = [];
const noAddresses: readonly Address[] = [];
const noEndpoints: readonly EndpointRecord[] = [];

/** Reads `endpoints`, leaving out those without a usable address of the family. */
export function readEndpoints(findings: Findings, list: unknown, family: Family, dns: DnsData | null): SliceEndpoints {
  const entries = listOf(findings, 'endpoints', list);
  const endpoints: EndpointRecord[] = [];
  let furtherEndpoints: EndpointRecord[] | null = null;
  for (let index = 0; index < entries.length; index += 1) {
    const entry = entries[index];
    const address = readFirstAddress(findings, index, fieldOf(entry, 'addresses'), family);
    const further = dns === null ? noAddresses : readFurtherAddresses(findings, index, fieldOf(entry, 'addresses'), family);
    const any = address ?? further[0];
    if (any === undefined) continue;
    const endpoint = readEndpoint(findings, index, entry, any, dns);
    if (address !== null) endpoints.push(endpoint);
    if (further.length === 0) continue;
    furtherEndpoints ??= [];
    for (const one of further) furtherEndpoints.push({ ...endpoint, address: one });
  }
  return { endpoints: trimList(endpoints), furtherEndpoints: furtherEndpoints ?? noEndpoints };
}

function readFirstAddress(findings: Findings, index: number, addresses: unknown, family: Family): Address | null {
  const text: unknown = Array.isArray(addresses) ? addresses[0] : addresses;
  const address = Array.isArray(addresses) && typeof text === 'string' ? parseAddress(text) : null;
  if (address !== null && familyOf(address) === family) return address;
  const consequence = `an ${family} address is needed, the endpoint is left out`;
  noteMalformed(findings, `endpoints[${index}].addresses[0]`, text, consequence);
  return null;
}

/** Proxies use the first address alone; DNS publishes all (DNS specification 1.6). */
function readFurtherAddresses(findings: Findings, index: number, addresses: unknown, family: Family): readonly Address[] {
  if (!Array.isArray(addresses) || addresses.length < 2) return noAddresses;
  const found: Address[] = [];
  for (const [at, text] of addresses.entries()) {
    if (at === 0) continue;
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address !== null && familyOf(address) === family) found.push(address);
    else noteMalformed(findings, `endpoints[${index}].addresses[${at}]`, text, `an ${family} address is needed, it is left out`);
  }
  return found;
}

function readEndpoint(findings: Findings, index: number, entry: unknown, address: Address, dns: DnsData | null): EndpointRecord {
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
    hostname: dns === null ? null : readHostname(findings, index, fieldOf(entry, 'hostname')),
    podName: dns === null ? null : readPodName(findings, index, fieldOf(entry, 'targetRef')),
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

function readHostname(findings: Findings, index: number, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  // Dots would make it several labels, and DNS knows names by their labels (DNS specification 2.3).
  if (isName(value) && value.length <= longestLabel && !value.includes('.')) return shareString(value);
  const consequence = 'one label of a domain name is needed, the endpoint goes by its address';
  noteMalformed(findings, `endpoints[${index}].hostname`, value, consequence);
  return null;
}

/** The name of the Pod that the endpoint stands for; other kinds of target have no name in DNS. */
function readPodName(findings: Findings, index: number, target: unknown): string | null {
  if (fieldOf(target, 'kind') !== 'Pod') return null;
  const value = fieldOf(target, 'name');
  if (value === undefined || value === '') return null;
  if (isName(value)) return shareString(value);
  noteMalformed(findings, `endpoints[${index}].targetRef.name`, value, 'a name is needed, it is ignored');
  return null;
}
