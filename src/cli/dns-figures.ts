import type { DnsFigures } from '../observe/mod.ts';

/** A line of Prometheus text: name, labels, value. */
const sample =
  /^(coredns_dns_requests_total|coredns_dns_responses_total|coredns_cache_hits_total|coredns_cache_misses_total)\{(.*)\} ([0-9.e+]+)$/;

/** What the status page shows of the resolver's metrics, added up over servers, zones and types. */
export function readDnsFigures(text: string): DnsFigures {
  const sums = new Map<string, number>();
  const rcodes = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = '0'] = sample.exec(line) ?? [];
    if (name === '') continue;
    sums.set(name, (sums.get(name) ?? 0) + Number(value));
    const rcode = name === 'coredns_dns_responses_total' ? /(?:^|,)rcode="([^"]*)"/.exec(labels)?.[1] : undefined;
    if (rcode !== undefined) rcodes.set(rcode, (rcodes.get(rcode) ?? 0) + Number(value));
  }
  return {
    queries: sums.get('coredns_dns_requests_total') ?? 0,
    cacheHits: sums.get('coredns_cache_hits_total') ?? 0,
    cacheMisses: sums.get('coredns_cache_misses_total') ?? 0,
    rcodes: [...rcodes].toSorted(([a, left], [b, right]) => right - left || (a < b ? -1 : 1)),
  };
}
