import { expect, test } from 'vitest';
import { Registry } from '../observe/mod.ts';
import { readDnsFigures } from './dns-figures.ts';

test('adds up questions, cache hits and replies of all servers, zones and types', () => {
  const registry = new Registry();
  const requests = registry.counter({ name: 'coredns_dns_requests_total', help: 'Q.', labels: ['server', 'zone', 'type'] });
  requests.add(['dns://:53', '.', 'A'], 40);
  requests.add(['dns://:53', 'cluster.local.', 'AAAA'], 2);
  const responses = registry.counter({ name: 'coredns_dns_responses_total', help: 'R.', labels: ['server', 'rcode', 'plugin'] });
  responses.add(['dns://:53', 'NXDOMAIN', 'kubernetes'], 30);
  responses.add(['dns://:53', 'NOERROR', 'cache'], 8);
  responses.add(['dns://:53', 'NOERROR', 'kubernetes'], 4);
  registry.counter({ name: 'coredns_cache_hits_total', help: 'H.', labels: ['server', 'type'] }).add(['dns://:53', 'success'], 8);
  registry.counter({ name: 'coredns_cache_misses_total', help: 'M.', labels: ['server'] }).add(['dns://:53'], 2);
  registry.counter({ name: 'coredns_dns_do_requests_total', help: 'D.', labels: ['server'] }).add(['dns://:53'], 99);
  expect(readDnsFigures(registry.render())).toEqual({
    queries: 42,
    cacheHits: 8,
    cacheMisses: 2,
    rcodes: [
      ['NXDOMAIN', 30],
      ['NOERROR', 12],
    ],
  });
});

test('nothing counted is zero', () => {
  expect(readDnsFigures('')).toEqual({ queries: 0, cacheHits: 0, cacheMisses: 0, rcodes: [] });
});
