import { noLabels, noTuning, parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address, AddressPool, AddressRequest, ServiceRecord } from '../model/mod.ts';
import { describePoolService } from './pool-service.ts';
import type { PoolService } from './pool-service.ts';

export const testClass = 'waypost.dev/ingress';

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === null) throw new Error(`not an address: ${text}`);
  return address;
}

/** A pool of `10.0.0.0/24`, `10.0.0.1-10.0.0.9` and the like. */
export function poolOf(name: string, parts: readonly string[], autoAssign = true): AddressPool {
  const addresses = parts.map((part) => {
    const prefix = parsePrefix(part);
    const [first = '', last = ''] = part.split('-');
    return prefix ?? { first: addressOf(first), last: addressOf(last) };
  });
  return { name, addresses, autoAssign };
}

export interface RecordChange extends Partial<ServiceRecord> {
  readonly addresses?: readonly string[];
  readonly request?: Partial<AddressRequest>;
}

/** `shop/NAME` of type LoadBalancer, of our class, with one IPv4 ClusterIP and TCP port 80. */
export function recordOf(name: string, change: RecordChange = {}): ServiceRecord {
  const { addresses = [], request, ...rest } = change;
  const asked = request === undefined ? {} : { addressRequest: { addresses: [], sharingKey: null, pool: null, ...request } };
  return {
    key: `shop/${name}`,
    namespace: 'shop',
    name,
    type: 'LoadBalancer',
    proxied: true,
    headless: false,
    clusterIps: { IPv4: addressOf('10.96.0.1') },
    publishedIps: null,
    externalName: '',
    externalIps: [],
    loadBalancer: addresses.map((address) => ({ address: addressOf(address), ipMode: 'VIP' })),
    sourceRanges: [],
    ports: [{ name: '', protocol: 'TCP', port: 80, nodePort: 0 }],
    affinity: null,
    internalLocal: false,
    externalLocal: false,
    healthCheckNodePort: 0,
    tuning: noTuning,
    labels: noLabels,
    loadBalancerClass: testClass,
    publishing: null,
    createdAt: 1,
    uid: `uid-${name}`,
    ...asked,
    ...rest,
  };
}

export function poolServicesOf(...records: readonly ServiceRecord[]): Map<string, PoolService> {
  const services = records.map((record) => describePoolService(record, testClass)).filter((service) => service !== null);
  return new Map(services.map((service) => [service.uid, service]));
}
