import type { StatusRow } from '../../model/mod.ts';

/** A row of `shop/web`, but for what is given. */
export function makeRow(given: Partial<StatusRow> = {}): StatusRow {
  return {
    family: 'IPv4',
    service: 'shop/web',
    servicePort: 'shop/web:http/TCP',
    kind: 'ClusterIP',
    address: '10.96.0.1',
    protocol: 'TCP',
    port: 80,
    backends: 3,
    verdict: 'forward',
    state: 'Done',
    since: 1000,
    reason: '',
    code: '',
    ...given,
  };
}
