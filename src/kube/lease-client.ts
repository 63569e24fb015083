import type { LeaseStore, LeaseTerms, StoredLease } from '../model/mod.ts';
import { formatMicroTime, parseMicroTime } from './micro-time.ts';
import { mapStored, requestObject } from './object-request.ts';
import type { ObjectAccess } from './object-request.ts';
import { fieldOf, readMeta } from './reflector-object.ts';

/** One Lease of coordination.k8s.io/v1. */
export function createLeaseClient(access: ObjectAccess, namespace: string, name: string): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  return {
    read: async (signal) => mapStored(await requestObject(access, { method: 'GET', path, body: {} }, signal), readLease),
    create: async (terms, signal) => {
      const body = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace, name },
        spec: renderSpec(terms),
      };
      return mapStored(await requestObject(access, { method: 'POST', path: collection, body }, signal), readLease);
    },
    update: async (terms, resourceVersion, signal) => {
      const body = { metadata: { resourceVersion }, spec: renderSpec(terms) };
      return mapStored(await requestObject(access, { method: 'PATCH', path, body }, signal), readLease);
    },
  };
}

function renderSpec(terms: LeaseTerms): object {
  return {
    holderIdentity: terms.holder,
    leaseDurationSeconds: terms.durationSeconds,
    acquireTime: formatMicroTime(terms.acquiredAt),
    renewTime: formatMicroTime(terms.renewedAt),
    leaseTransitions: terms.transitions,
  };
}

/** What is missing or malformed counts as never set, as it does for other candidates. */
function readLease(raw: unknown): StoredLease {
  const spec = fieldOf(raw, 'spec');
  const holder = fieldOf(spec, 'holderIdentity');
  return {
    version: readMeta(raw).resourceVersion,
    terms: {
      holder: typeof holder === 'string' ? holder : '',
      durationSeconds: countOf(fieldOf(spec, 'leaseDurationSeconds')),
      acquiredAt: parseMicroTime(fieldOf(spec, 'acquireTime')),
      renewedAt: parseMicroTime(fieldOf(spec, 'renewTime')),
      transitions: countOf(fieldOf(spec, 'leaseTransitions')),
    },
  };
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
