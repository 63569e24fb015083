import { describe, expect, test } from 'vitest';
import { Registry } from '../observe/mod.ts';
import type { PublicationRow } from './ingress-book.ts';
import { addIngressMetrics } from './ingress-metrics.ts';

const row: PublicationRow = {
  service: 'ns/web',
  family: 'IPv4',
  address: '192.0.2.1',
  protocol: 'TCP',
  port: 80,
  lastPort: 80,
  rewritePort: 8080,
  group: 'ns/web a',
  capture: 'always',
  affinitySeconds: null,
  backends: 2,
  verdict: 'forward',
};
const counts = {
  checks: 12,
  failures: 5,
  unasked: 1,
  late: 2,
  taken: 3,
  returned: 2,
  watched: 2,
  running: 0,
  dead: 1,
};
const checked = { service: 'ns/web', since: 0, text: '', checks: 0, failures: 0, heldUntil: null } as const;
const backend = { address: '10.0.0.1', protocol: 'TCP', port: 80 } as never;

function linesOf(registry: Registry): readonly string[] {
  return registry
    .render()
    .split('\n')
    .filter((line) => line.startsWith('waypost_ingress_'));
}

describe('the metrics of ingress', () => {
  test('count ports, marks, notices, checks and addresses as they are at a scrape', () => {
    const registry = new Registry();
    let publications: readonly PublicationRow[] = [row, { ...row, port: 443 }, { ...row, family: 'IPv6', verdict: 'refuse' }];
    const count = addIngressMetrics(registry, {
      publications: () => publications,
      health: {
        counts: () => counts,
        rows: () => [
          { ...checked, backend, verdict: 'live' },
          { ...checked, backend, verdict: 'dead' },
        ],
      },
      pools: { isLeading: true, usage: () => [{ pool: 'lan', family: 'IPv4', used: 3, free: 5 }] },
      marks: { mask: 0xff00, first: 1 },
    });
    count('VIPRefused');
    count('VIPRefused');
    expect(linesOf(registry).toSorted()).toEqual(
      [
        'waypost_ingress_published_ports{family="IPv4",verdict="forward"} 2',
        'waypost_ingress_published_ports{family="IPv6",verdict="refuse"} 1',
        'waypost_ingress_marks_used 1',
        'waypost_ingress_marks_capacity 255',
        'waypost_ingress_notices_total{reason="VIPRefused"} 2',
        'waypost_ingress_health_checks_total 12',
        'waypost_ingress_health_failures_total 5',
        'waypost_ingress_health_unasked_total 1',
        'waypost_ingress_health_late_total 2',
        'waypost_ingress_health_taken_total 3',
        'waypost_ingress_health_returned_total 2',
        'waypost_ingress_health_backends{verdict="live"} 1',
        'waypost_ingress_health_backends{verdict="dead"} 1',
        'waypost_ingress_pool_leader 1',
        'waypost_ingress_pool_addresses{pool="lan",family="IPv4",state="used"} 3',
        'waypost_ingress_pool_addresses{pool="lan",family="IPv4",state="free"} 5',
      ].toSorted(),
    );
    publications = [];
    expect(linesOf(registry).filter((line) => line.includes('published_ports'))).toEqual([]);
    expect(linesOf(registry)).toContain('waypost_ingress_marks_used 0');
  });

  test('leave out what this agent does not do', () => {
    const registry = new Registry();
    addIngressMetrics(registry, { publications: () => [], health: null, pools: null, marks: { mask: 1, first: 1 } });
    expect(linesOf(registry).toSorted()).toEqual(['waypost_ingress_marks_capacity 1', 'waypost_ingress_marks_used 0']);
  });
});
