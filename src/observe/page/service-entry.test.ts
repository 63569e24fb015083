import { expect, test } from 'vitest';
import { makeRow } from './row.fixture.ts';
import { describeService, formatFrontend, portNameOf } from './service-entry.ts';

test('a Service without rows is gone', () => {
  expect(describeService({ service: 'shop/web', rows: [] })).toBeNull();
});

test('the line of a Service shows its ClusterIP, counts the others, and has the worst of their states', () => {
  const rows = [
    makeRow({ kind: 'NodePort', address: '*', port: 30_080, backends: 1, since: 9000 }),
    makeRow(),
    makeRow({ family: 'IPv6', address: 'fd00::1', state: 'Pending' }),
  ];
  expect(describeService({ service: 'shop/web', rows })).toMatchObject({
    namespace: 'shop',
    name: 'web',
    state: 'Pending',
    frontend: '10.96.0.1:80/TCP',
    more: 2,
    backends: 3,
    refused: '',
    since: 9000,
  });
  const [first, ...others] = rows;
  const failed = [...others, { ...first, state: 'Error' as const } as typeof first & {}];
  expect(describeService({ service: 'shop/web', rows: failed })?.state).toBe('Error');
});

test('a Service that nothing is forwarded for says what becomes of connections', () => {
  const rows = [makeRow({ verdict: 'reject', backends: 0 }), makeRow({ kind: 'NodePort', verdict: 'drop', backends: 0 })];
  expect(describeService({ service: 'shop/web', rows })?.refused).toBe('reject');
  expect(describeService({ service: 'shop/web', rows: [...rows, makeRow()] })?.refused).toBe('');
});

test('a search finds names, addresses, ports, kinds, states and reasons', () => {
  const row = makeRow({ address: 'fd00::1', state: 'Error', code: 'WP_X', reason: 'No Such Set' });
  const { haystack = '' } = describeService({ service: 'shop/web', rows: [row] }) ?? {};
  for (const word of ['shop/web', '[fd00::1]:80', 'http', 'clusterip', 'error', 'wp_x', 'no such set']) {
    expect(haystack).toContain(word);
  }
});

test('frontends and names of ports', () => {
  expect(formatFrontend(makeRow({ address: '*', port: 30_080, protocol: 'UDP' }))).toBe('node port 30080/UDP');
  expect(portNameOf(makeRow())).toBe('http');
  expect(portNameOf(makeRow({ servicePort: 'shop/web:/TCP' }))).toBe('');
});
