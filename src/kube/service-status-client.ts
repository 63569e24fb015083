import { parseAddress, splitServiceKey } from '../model/mod.ts';
import type { LiveService, ServiceKey, ServiceStatusStore } from '../model/mod.ts';
import { mapStored, requestObject } from './object-request.ts';
import type { ObjectAccess } from './object-request.ts';
import { fieldOf, readMeta } from './reflector-object.ts';

/** Reads single Services, and writes the addresses of their status (subresource `status`). */
export function createServiceStatusClient(access: ObjectAccess): ServiceStatusStore {
  return {
    read: async (service, signal) =>
      mapStored(await requestObject(access, { method: 'GET', path: pathOf(service), body: {} }, signal), readLive),
    write: async (service, resourceVersion, addresses, signal) => {
      // A list in a merge patch replaces the whole list, and null removes it (RFC 7386).
      const ingress = addresses.length === 0 ? null : addresses.map((ip) => ({ ip }));
      const body = { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } };
      const path = `${pathOf(service)}/status`;
      return mapStored(await requestObject(access, { method: 'PATCH', path, body }, signal), readLive);
    },
  };
}

function pathOf(service: ServiceKey): string {
  const { namespace, name } = splitServiceKey(service);
  return `/api/v1/namespaces/${namespace}/services/${name}`;
}

function readLive(raw: unknown): LiveService {
  const metadata = fieldOf(raw, 'metadata');
  const spec = fieldOf(raw, 'spec');
  const ingress = fieldOf(fieldOf(fieldOf(raw, 'status'), 'loadBalancer'), 'ingress');
  const addresses = (Array.isArray(ingress) ? ingress : []).map((entry) => parseAddress(textOf(fieldOf(entry, 'ip')) ?? ''));
  return {
    uid: textOf(fieldOf(metadata, 'uid')) ?? '',
    version: readMeta(raw).resourceVersion,
    type: textOf(fieldOf(spec, 'type')) ?? '',
    loadBalancerClass: textOf(fieldOf(spec, 'loadBalancerClass')),
    deleting: textOf(fieldOf(metadata, 'deletionTimestamp')) !== null,
    addresses: [...new Set(addresses.filter((address) => address !== null))],
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
