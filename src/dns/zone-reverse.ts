import { recordType } from './constants.ts';
import type { Name } from './name.ts';
import { parseReverseName } from './reverse-name.ts';
import type { KubernetesSettings } from './settings.ts';
import { formatRaw } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import type { ServiceEntry } from './zone-entry.ts';
import type { Found, FoundData } from './zone-forward.ts';
import { nameOf } from './zone-part.ts';
import { unpackSlices } from './zone-pack.ts';
import { below, nameRecord } from './zone-records.ts';
import type { ZoneStore } from './zone-store.ts';

/** The answer below in-addr.arpa and ip6.arpa (specification 3.6). Names that are generated are in the first forward zone. */
export function findReverse(store: ZoneStore, settings: KubernetesSettings, domain: Name, name: Name, type: number): Found {
  if (!store.synced) return { kind: 'unknown', because: 'the cluster has not been read to its end yet' };
  const address = parseReverseName(name);
  if (address === null) return { kind: 'missing', because: 'no complete reverse name of an address' };
  const owners = ownersOf(store.servicesAt(address), address);
  const targets = [...new Set(owners.flatMap(({ labels }) => below(labels, domain) ?? []))];
  if (targets.length === 0) return { kind: 'missing', because: `no Service and no ready endpoint has ${formatRaw(address)}` };
  const because = `${formatRaw(address)} is ${[...new Set(owners.map(({ what }) => what))].join('; ')}`;
  const answer = type === recordType.PTR ? targets.map((target) => nameRecord(name, type, settings.ttl, target)) : [];
  // A Service that comes to have the address as well adds to the answer, so no Service's own lease would do.
  return { kind: 'data', answer, additional: [], preferred: 0, lease: store.moment.lease, because } satisfies FoundData;
}

interface Owner {
  readonly labels: readonly string[];
  readonly what: string;
}

/** A cluster IP has one name, and goes before endpoints that have the same address. */
function ownersOf(services: readonly ServiceEntry[], address: RawAddress): readonly Owner[] {
  const cluster = services.find(({ data }) => data.clusterIps.includes(address));
  if (cluster !== undefined) return [{ labels: labelsOfService(cluster), what: `the cluster IP of ${nameOf(cluster)}` }];
  return services.flatMap((service) =>
    unpackSlices(service.data.slices)
      .flatMap(({ endpoints }) => endpoints)
      .filter((endpoint) => endpoint.address === address)
      .map(({ label }) => ({ labels: [label, ...labelsOfService(service)], what: `an endpoint of ${nameOf(service)}` })),
  );
}

function labelsOfService({ name, namespace }: ServiceEntry): readonly string[] {
  return [name, namespace.name, 'svc'];
}
