import { familyOf, isPort, parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, Affinity, ClusterIps, DnsData, Family, LoadBalancerIngress, Prefix, ServiceRecord } from '../model/mod.ts';
import {
  beginFindings,
  choiceOf,
  fieldOf,
  finishDecoded,
  isObject,
  listOf,
  noteMalformed,
  refuseObject,
} from './decode-fields.ts';
import type { Decoded, Findings } from './decode-fields.ts';
import { readLabels } from './decode-labels.ts';
import { readObjectName, shareString } from './decode-names.ts';
import { readOrigin } from './decode-origin.ts';
import { readPublishedIps } from './decode-published-ips.ts';
import { readPublishing } from './decode-publishing.ts';
import { isProxiedService } from './decode-selectors.ts';
import { readAddressRequest } from './decode-requested.ts';
import { readServicePorts } from './decode-service-ports.ts';
import { readTuning } from './decode-tuning.ts';

const serviceTypes: readonly ServiceRecord['type'][] = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'];
const policies = ['Cluster', 'Local'] as const;
const affinities = ['None', 'ClientIP'] as const;

/** core/v1: the API server's default and its upper bound for ClientIP affinity. */
const defaultAffinitySeconds = 10_800;
const maxAffinitySeconds = 86_400;

/** A label name with a prefix (core/v1): 253, a slash and 63. */
const maxClassLength = 317;

/**
 * Reads a core/v1 Service. Never throws; what is malformed is left out and noted. Refused only without
 * a name, a namespace or a spec (`WP_KUBE_OBJECT`). Without `dns` every Service is taken for one that is proxied.
 */
export function decodeService(raw: unknown, dns: DnsData | null = null): Decoded<ServiceRecord> {
  const named = readObjectName('Service', raw);
  if (!named.ok) return named;
  const { namespace, name, key } = named.value;
  const findings = beginFindings(`Service ${key}`, key);
  const spec = fieldOf(raw, 'spec');
  if (!isObject(spec)) return refuseObject(findings.subject, 'spec is missing or no object, the object is ignored');
  const clusterIp = readClusterIpText(findings, spec);
  const metadata = fieldOf(raw, 'metadata');
  const annotations = fieldOf(metadata, 'annotations');
  const ports = readServicePorts(findings, fieldOf(spec, 'ports'));
  const clusterIps = clusterIp === '' ? noClusterIps : readClusterIps(findings, spec, clusterIp);
  return finishDecoded(findings, {
    key: shareString(key),
    namespace,
    name,
    type: choiceOf(findings, 'spec.type', fieldOf(spec, 'type'), serviceTypes, 'ClusterIP'),
    proxied: dns === null || isProxiedService(raw),
    headless: clusterIp === '',
    clusterIps,
    publishedIps: dns === null ? clusterIps : readPublishedIps(spec, clusterIps),
    externalName: readExternalName(findings, fieldOf(spec, 'externalName') ?? ''),
    externalIps: readExternalIps(findings, spec),
    loadBalancer: readIngress(findings, raw),
    sourceRanges: readSourceRanges(findings, spec),
    ports,
    affinity: readAffinity(findings, spec),
    internalLocal: readPolicy(findings, spec, 'internalTrafficPolicy'),
    externalLocal: readPolicy(findings, spec, 'externalTrafficPolicy'),
    healthCheckNodePort: readHealthCheckPort(findings, spec),
    tuning: readTuning(findings, annotations),
    labels: readLabels(raw, dns?.keepLabels === true),
    ...readAddressRequest(findings, raw),
    loadBalancerClass: readLoadBalancerClass(findings, fieldOf(spec, 'loadBalancerClass')),
    publishing: readPublishing(findings, annotations, ports),
    ...readOrigin(findings, metadata),
  });
}

const noClusterIps: ClusterIps = {};

/** Any text: whether it is a name, and one that can be answered, is for DNS to say (DNS specification 3.5). */
function readExternalName(findings: Findings, value: unknown): string {
  if (typeof value === 'string') return value;
  noteMalformed(findings, 'spec.externalName', value, 'a name is needed, it is ignored');
  return '';
}

/** Null for the class that a cluster has without a name. */
function readLoadBalancerClass(findings: Findings, value: unknown): string | null {
  if (value === undefined || value === '') return null;
  if (typeof value === 'string' && value.length <= maxClassLength) return shareString(value);
  noteMalformed(findings, 'spec.loadBalancerClass', value, 'the name of a class is needed, the Service counts as having none');
  return null;
}

/** `spec.clusterIP`, or the empty text for a headless Service. */
function readClusterIpText(findings: Findings, spec: unknown): string {
  const value = fieldOf(spec, 'clusterIP');
  if (value === undefined || value === 'None') return '';
  if (typeof value === 'string') return value;
  noteMalformed(findings, 'spec.clusterIP', value, 'an address is needed, the Service counts as headless');
  return '';
}

/** Specification 1.6: `clusterIPs` goes by the index of the family in `ipFamilies`; old objects have neither. */
function readClusterIps(findings: Findings, spec: unknown, clusterIp: string): ClusterIps {
  const names = listOf(findings, 'spec.ipFamilies', fieldOf(spec, 'ipFamilies'));
  if (names.length === 0) {
    const address = parseAddress(clusterIp);
    if (address !== null) return clusterIpsOf(address);
    noteMalformed(findings, 'spec.clusterIP', clusterIp, 'an address is needed, there is no ClusterIP');
    return {};
  }
  const texts = listOf(findings, 'spec.clusterIPs', fieldOf(spec, 'clusterIPs'));
  const found: Partial<Record<Family, Address>> = {};
  for (const [index, name] of names.entries()) {
    const text = texts[index] ?? undefined;
    if (name !== 'IPv4' && name !== 'IPv6') {
      noteMalformed(findings, `spec.ipFamilies[${index}]`, name, 'IPv4 or IPv6 is needed, its ClusterIP is left out');
    } else if (text !== undefined && found[name] === undefined) {
      const address = typeof text === 'string' ? parseAddress(text) : null;
      if (address !== null && familyOf(address) === name) found[name] = address;
      else noteMalformed(findings, `spec.clusterIPs[${index}]`, text, `an ${name} address is needed, it is left out`);
    }
  }
  return found;
}

function clusterIpsOf(address: Address): ClusterIps {
  return familyOf(address) === 'IPv4' ? { IPv4: address } : { IPv6: address };
}

function readExternalIps(findings: Findings, spec: unknown): readonly Address[] {
  const found: Address[] = [];
  for (const [index, value] of listOf(findings, 'spec.externalIPs', fieldOf(spec, 'externalIPs')).entries()) {
    const text = typeof value === 'string' ? value.trim() : null;
    if (text === '') continue;
    const address = text === null ? null : parseAddress(text);
    if (address === null) noteMalformed(findings, `spec.externalIPs[${index}]`, value, 'an address is needed, it is left out');
    else if (!found.includes(address)) found.push(address);
  }
  return found;
}

function readIngress(findings: Findings, raw: unknown): readonly LoadBalancerIngress[] {
  const list = fieldOf(fieldOf(fieldOf(raw, 'status'), 'loadBalancer'), 'ingress');
  const found: LoadBalancerIngress[] = [];
  for (const [index, entry] of listOf(findings, 'status.loadBalancer.ingress', list).entries()) {
    const text = fieldOf(entry, 'ip');
    if ((text === undefined && isObject(entry)) || text === '') continue;
    const path = `status.loadBalancer.ingress[${index}]`;
    const ipMode = fieldOf(entry, 'ipMode') ?? 'VIP';
    const address = typeof text === 'string' ? parseAddress(text) : null;
    if (address === null) noteMalformed(findings, `${path}.ip`, text, 'an address is needed, the entry is left out');
    else if (ipMode !== 'VIP' && ipMode !== 'Proxy') {
      noteMalformed(findings, `${path}.ipMode`, ipMode, 'VIP or Proxy is needed, the entry is left out');
    } else if (!found.some((other) => other.address === address && other.ipMode === ipMode)) found.push({ address, ipMode });
  }
  return found;
}

function readSourceRanges(findings: Findings, spec: unknown): readonly Prefix[] {
  const path = 'spec.loadBalancerSourceRanges';
  const found: Prefix[] = [];
  for (const [index, value] of listOf(findings, path, fieldOf(spec, 'loadBalancerSourceRanges')).entries()) {
    const text = typeof value === 'string' ? value.trim() : null;
    if (text === '') continue;
    const prefix = text === null ? null : parsePrefix(text);
    if (prefix === null) noteMalformed(findings, `${path}[${index}]`, value, 'a range like 10.0.0.0/8 is needed, it is left out');
    else found.push(prefix);
  }
  return found;
}

function readAffinity(findings: Findings, spec: unknown): Affinity | null {
  const kind = choiceOf(findings, 'spec.sessionAffinity', fieldOf(spec, 'sessionAffinity'), affinities, 'None');
  if (kind === 'None') return null;
  const value = fieldOf(fieldOf(fieldOf(spec, 'sessionAffinityConfig'), 'clientIP'), 'timeoutSeconds');
  if (value === undefined) return { timeoutSeconds: defaultAffinitySeconds };
  if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= maxAffinitySeconds) {
    return { timeoutSeconds: value as number };
  }
  const consequence = `a number from 1 to ${maxAffinitySeconds} is needed, ${defaultAffinitySeconds} is assumed`;
  noteMalformed(findings, 'spec.sessionAffinityConfig.clientIP.timeoutSeconds', value, consequence);
  return { timeoutSeconds: defaultAffinitySeconds };
}

function readPolicy(findings: Findings, spec: unknown, name: 'internalTrafficPolicy' | 'externalTrafficPolicy'): boolean {
  return choiceOf(findings, `spec.${name}`, fieldOf(spec, name), policies, 'Cluster') === 'Local';
}

function readHealthCheckPort(findings: Findings, spec: unknown): number {
  const value = fieldOf(spec, 'healthCheckNodePort') ?? 0;
  if (value === 0 || isPort(value)) return value as number;
  noteMalformed(findings, 'spec.healthCheckNodePort', value, 'a number from 1 to 65535 is needed, there is no health check');
  return 0;
}
