import { addressBytes, familyOf, parseAddress } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { rcode, recordType } from './constants.ts';
import { isWithin, lowerName, parseName } from './name.ts';
import type { Name } from './name.ts';
import { octetsOf } from './read-name.ts';
import type { Answer, ResourceRecord } from './record.ts';
import type { HostsSettings } from './settings.ts';
import { reverseName, reverseZones } from './settings-zones.ts';
import type { Lease } from './zone-contract.ts';

/** The stage of specification 13.3. */
export interface Hosts {
  /** Takes the text of the file in place of what it was; null: there is none, and the inline lines remain. */
  load(text: string | null): void;
  /** The answer, `name` in lower case; null: the next stage is asked. */
  lookup(name: Name, type: number): Answer | null;
  /** Ends when the table changes. */
  readonly lease: Lease;
  /** Pairs of an address and a name. */
  readonly entries: number;
}

/** All that is known of one name. */
type Entry = ResourceRecord[];

/** A table of addresses in the format of hosts(5), from a file, from the configuration, or both. */
export function createHosts(settings: HostsSettings): Hosts {
  let table: ReadonlyMap<Name, Entry> = new Map();
  let entries = 0;
  let lease = { live: true };
  const load = (text: string | null): void => {
    const read = readTable(settings, [...(text ?? '').split('\n'), ...settings.lines]);
    table = read.table;
    entries = read.entries;
    lease.live = false;
    lease = { live: true };
  };
  load(null);
  return {
    load,
    lookup: (name, type) => lookup(settings, table, name, type),
    get entries() {
      return entries;
    },
    get lease() {
      return lease;
    },
  };
}

function lookup(settings: HostsSettings, table: ReadonlyMap<Name, Entry>, name: Name, type: number): Answer | null {
  const entry = table.get(name);
  if (entry !== undefined)
    return makeAnswer(
      rcode.NOERROR,
      entry.filter((record) => record.type === type),
    );
  // A list of hosts never speaks for the whole reverse tree.
  if (reverseZones.some((zone) => isWithin(name, zone))) return null;
  if (settings.zones.length > 0 && !settings.zones.some((zone) => isWithin(name, zone))) return null;
  if (settings.fallthrough.some((zone) => isWithin(name, zone))) return null;
  return makeAnswer(rcode.NXDOMAIN, []);
}

function makeAnswer(code: number, answer: readonly ResourceRecord[]): Answer {
  return { rcode: code, authoritative: true, answer, authority: [], additional: [] };
}

function readTable(
  settings: HostsSettings,
  lines: readonly string[],
): { readonly table: Map<Name, Entry>; readonly entries: number } {
  const table = new Map<Name, Entry>();
  const seen = new Set<string>();
  for (const line of lines) {
    const { address, names } = readHostsLine(line);
    if (address === null) continue;
    for (const name of names) {
      if (settings.zones.length > 0 && !settings.zones.some((zone) => isWithin(name, zone))) continue;
      if (seen.has(`${address} ${name}`)) continue;
      seen.add(`${address} ${name}`);
      const type = familyOf(address) === 'IPv4' ? recordType.A : recordType.AAAA;
      add(table, { name, type, ttl: settings.ttl, data: addressBytes(address) });
      if (settings.reverse) {
        add(table, { name: reverseName(address), type: recordType.PTR, ttl: settings.ttl, data: octetsOf(name) });
      }
    }
  }
  return { table, entries: seen.size };
}

function add(table: Map<Name, Entry>, record: ResourceRecord): void {
  const entry = table.get(record.name);
  if (entry === undefined) table.set(record.name, [record]);
  else entry.push(record);
}

/**
 * A line of hosts(5): an address and names, up to a `#`. The address is null where there is none, as with addresses of a
 * zone (`fe80::1%lo`), which mean nothing to anybody else. What is no name is left out.
 */
export function readHostsLine(line: string): { readonly address: Address | null; readonly names: readonly Name[] } {
  const [first = '', ...words] = line.replace(/#.*/, '').trim().split(/\s+/);
  const names = words.flatMap((word) => {
    const name = parseName(word);
    return name === null ? [] : [lowerName(name)];
  });
  return { address: parseAddress(first), names };
}
