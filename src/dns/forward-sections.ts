import { recordType } from './constants.ts';
import { isWithin, lowerName } from './name.ts';
import type { Name } from './name.ts';
import { latin1 } from './read-name.ts';
import type { ResourceRecord } from './record.ts';

/** Far more links than a chain may have; beyond it records count as unreachable. */
const longestChain = 64;

const nsec3 = 50;

/** Types that prove a denial to who asked for DNSSEC (RFC 4035 3.1.3, RFC 5155 7.2). */
const proofs: ReadonlySet<number> = new Set([recordType.NSEC, nsec3]);

/**
 * The answer section the way clients need it, whatever the upstream made of it: links of a chain before what they lead to
 * (specification 10.1), each set of records in one run, nothing twice, and nothing that the question does not lead to
 * (10.3). `name` in lower case.
 */
export function orderAnswer(name: Name, records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  if (records.length === 0) return records;
  const sets = groupSets(records);
  const ordered: ResourceRecord[] = [];
  const taken = new Set<RecordSet>();
  const take = (set: RecordSet | undefined): void => {
    if (set === undefined || taken.has(set)) return;
    taken.add(set);
    ordered.push(...set.records);
  };
  let current: Name | null = name;
  for (let links = 0; current !== null && links < longestChain; links += 1) {
    const here: Name = current;
    const redirections = sets.filter((set) => set.type === recordType.DNAME && set.owner !== here && isWithin(here, set.owner));
    for (const set of redirections) for (const one of sets) if (one.owner === set.owner && mayStandWith(one, set)) take(one);
    const own = sets.filter((set) => set.owner === here);
    const alias = own.find((set) => set.type === recordType.CNAME);
    take(alias);
    for (const set of own) take(set);
    current = targetOf(alias) ?? substitute(here, redirections[0]);
  }
  return ordered;
}

/** Only what proves a denial is left: the SOA, and NSEC, NSEC3 and signatures of these for who asked for DNSSEC. */
export function stripAuthority(records: readonly ResourceRecord[], dnssecOk: boolean): readonly ResourceRecord[] {
  return records.filter(({ type, data }) => {
    if (type === recordType.SOA) return true;
    if (!dnssecOk) return false;
    return proofs.has(type) || (type === recordType.RRSIG && isProofOrSoa(coveredType(data)));
  });
}

function isProofOrSoa(type: number): boolean {
  return type === recordType.SOA || proofs.has(type);
}

/** The type that a signature is for, RFC 4034 3.1.1. */
function coveredType(data: Uint8Array): number {
  return ((data[0] ?? 0) << 8) | (data[1] ?? 0);
}

interface RecordSet {
  /** In lower case. */
  readonly owner: Name;
  readonly type: number;
  readonly records: readonly ResourceRecord[];
}

/** Records by owner and type in the order of first sight, duplicates left out. */
function groupSets(records: readonly ResourceRecord[]): readonly RecordSet[] {
  const sets = new Map<string, { readonly owner: Name; readonly type: number; readonly records: Map<string, ResourceRecord> }>();
  for (const record of records) {
    const owner = lowerName(record.name);
    const key = `${record.type} ${owner}`;
    const set = sets.get(key) ?? { owner, type: record.type, records: new Map() };
    sets.set(key, set);
    const data = latin1(record.data, 0, record.data.length);
    if (!set.records.has(data)) set.records.set(data, record);
  }
  return [...sets.values()].map(({ owner, type, records: unique }) => ({ owner, type, records: [...unique.values()] }));
}

/** At the owner of a DNAME only it and its signature concern names below. */
function mayStandWith(set: RecordSet, redirection: RecordSet): boolean {
  return set === redirection || set.type === recordType.RRSIG;
}

function targetOf(set: RecordSet | undefined): Name | null {
  const data = set?.records[0]?.data;
  return data === undefined ? null : lowerName(latin1(data, 0, data.length));
}

/** The name that a DNAME makes of one below its owner, RFC 6672 2.2. */
function substitute(name: Name, redirection: RecordSet | undefined): Name | null {
  const target = targetOf(redirection);
  return redirection === undefined || target === null ? null : name.slice(0, -redirection.owner.length) + target;
}
