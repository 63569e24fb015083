import type { CacheVerdict, Keepable } from './cache-classify.ts';
import type { CacheKind } from './cache-entries.ts';
import { recordType } from './constants.ts';
import { isWithin } from './name.ts';
import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';
import type { CacheSettings } from './settings.ts';

/** Seconds that nothing is kept beyond, whatever is configured (specification 12.3). */
const longest = { success: 3600, denial: 1800 } as const;

/** Milliseconds that an answer is kept for; `ttl` in seconds. 0: not at all. `name` in lower case. */
export function lifeOf(settings: CacheSettings, kind: CacheKind, ttl: number, name: Name): number {
  if (!mayKeep(settings, kind, name)) return 0;
  if (kind === 'servfail') return settings.servfailMs;
  const { ttlCap, ttlFloor } = settings[kind];
  return ttl > 0 ? Math.min(Math.max(ttl, ttlFloor), ttlCap, longest[kind]) * 1000 : 0;
}

/**
 * An answer with no TTL above the cap of its class (specification 5.3), as it is served and kept; untouched where it is not
 * kept at all. The SOA of a denial lives no longer than the denial, or others would keep it anew (RFC 2308 5).
 */
export function capTtls<T extends Pick<Keepable, 'answer' | 'authority'>>(
  result: T,
  verdict: CacheVerdict | null,
  settings: CacheSettings,
  name: Name,
): T {
  if (verdict === null || verdict.kind === 'servfail' || !mayKeep(settings, verdict.kind, name)) return result;
  const cap = Math.min(settings[verdict.kind].ttlCap, longest[verdict.kind]);
  const soaCap = verdict.kind === 'denial' ? Math.min(cap, verdict.ttl) : cap;
  const limit = (record: ResourceRecord): number => (record.type === recordType.SOA ? soaCap : cap);
  return { ...result, answer: lower(result.answer, limit), authority: lower(result.authority, limit) };
}

function lower(records: readonly ResourceRecord[], limit: (record: ResourceRecord) => number): readonly ResourceRecord[] {
  return records.map((record) => (record.ttl > limit(record) ? { ...record, ttl: limit(record) } : record));
}

/** Whether anything of a name is kept (specification 12.7). `name` in lower case. */
export function coversName(settings: CacheSettings, name: Name): boolean {
  return mayKeep(settings, 'success', name) || mayKeep(settings, 'denial', name);
}

function mayKeep(settings: CacheSettings, kind: CacheKind, name: Name): boolean {
  const { zones, success, denial, disableSuccess, disableDenial } = settings;
  // Failures are a matter of the upstream: they are kept where anything is.
  if (kind === 'servfail') return denial.capacity > 0 && coversName(settings, name);
  if (zones.length > 0 && !isInAny(name, zones)) return false;
  if (kind === 'success') return success.capacity > 0 && !isInAny(name, disableSuccess);
  return denial.capacity > 0 && !isInAny(name, disableDenial);
}

function isInAny(name: Name, zones: readonly Name[]): boolean {
  return zones.some((zone) => isWithin(name, zone));
}
