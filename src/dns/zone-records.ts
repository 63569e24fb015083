import { recordType } from './constants.ts';
import { joinLabels } from './name.ts';
import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';
import { bytesOf } from './zone-address.ts';
import type { RawAddress } from './zone-address.ts';
import type { ServiceEntry } from './zone-entry.ts';
import type { Target } from './zone-part.ts';

/** Version of the schema of names, DNS-Based Service Discovery; it changes with no cluster, hence the long life. */
const schemaVersion = '1.1.0';
const schemaTtl = 28800;
const soaTimes = { refresh: 7200, retry: 1800, expire: 86400, longestTtl: 300 } as const;

export function addressRecord(name: Name, ttl: number, address: RawAddress): ResourceRecord {
  return { name, type: address.length === 4 ? recordType.A : recordType.AAAA, ttl, data: bytesOf(address) };
}

/** A record whose RDATA is one name: CNAME, NS, PTR. */
export function nameRecord(name: Name, type: number, ttl: number, target: Name): ResourceRecord {
  return { name, type, ttl, data: bytesOf(target) };
}

export function versionRecord(name: Name): ResourceRecord {
  return { name, type: recordType.TXT, ttl: schemaTtl, data: bytesOf(String.fromCharCode(schemaVersion.length) + schemaVersion) };
}

/** RFC 1035 3.3.13. TTL and minimum as RFC 2308 5 reads them: a denial lives as long as the smaller one says. */
export function soaRecord(zone: Name, domain: Name, serial: number, ttl: number): ResourceRecord {
  const numbers = [serial, soaTimes.refresh, soaTimes.retry, soaTimes.expire, ttl];
  const names = `${below(['ns', 'dns'], domain) ?? domain}${below(['hostmaster'], domain) ?? domain}`;
  const data = new Uint8Array(names.length + 4 * numbers.length);
  data.set(bytesOf(names));
  const view = new DataView(data.buffer);
  for (const [index, number] of numbers.entries()) view.setUint32(names.length + 4 * index, number);
  return { name: zone, type: recordType.SOA, ttl: Math.min(ttl, soaTimes.longestTtl), data };
}

/** SRV records for the targets, and the addresses of each target's name, once (RFC 2782). */
export function srvRecords(
  name: Name,
  domain: Name,
  ttl: number,
  targets: readonly Target[],
): { readonly answer: readonly ResourceRecord[]; readonly additional: readonly ResourceRecord[] } {
  const parents = new Map<ServiceEntry, Name | null>();
  const named = targets.flatMap(({ service, label, port, addresses }) => {
    let parent = parents.get(service);
    if (parent === undefined) parents.set(service, (parent = below([service.name, service.namespace.name, 'svc'], domain)));
    const targetName = parent === null || label === null ? parent : below([label], parent);
    return targetName === null ? [] : [{ targetName, port, addresses }];
  });
  const weight = Math.max(1, Math.floor(100 / named.length));
  const glue = new Map(named.map(({ targetName, addresses }) => [targetName, addresses]));
  return {
    answer: named.map(({ targetName, port }) => ({
      name,
      type: recordType.SRV,
      ttl,
      data: bytesOf(`${pair(0)}${pair(weight)}${pair(port)}${targetName}`),
    })),
    additional: Array.from(glue).flatMap(([target, addresses]) =>
      addresses.map((address) => addressRecord(target, ttl, address)),
    ),
  };
}

function pair(value: number): string {
  return String.fromCharCode(value >> 8, value & 0xff);
}

/** The name of these labels below a domain; null where it would be too long. */
export function below(labels: readonly string[], domain: Name): Name | null {
  const head = joinLabels(labels);
  if (head === null || head.length - 1 + domain.length > 255) return null;
  return head.slice(0, -1) + domain;
}
