import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { endpoint, service, servicePort, slice } from './records.fixture.ts';
import { StatusTable } from './status.ts';
import { deriveFrontends } from './view.ts';

const frontendsOf = (ports: number) =>
  deriveFrontends(
    service({ ports: Array.from({ length: ports }, (_, index) => servicePort({ name: `p${index}`, port: index + 1 })) }),
    [slice([endpoint('10.244.1.1')])],
    {
      family: 'IPv4',
      nodeName: 'node-1',
      zone: null,
      nodeAddress: null,
      detectsPods: false,
      masqueradeAll: false,
      externalIps: true,
    },
  );

const step = fc.record({
  action: fc.constantFrom('pending', 'done', 'error'),
  service: fc.constantFrom('shop/a', 'shop/b', 'shop/c'),
  ports: fc.integer({ min: 0, max: 3 }),
});

test('property: the counts and the oldest wait are what the rows say, after any history', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const table = new StatusTable('IPv4');
      const waiting = new Map<string, number>();
      const refused = new Set<string>();
      for (const [now, { action, service: key, ports }] of steps.entries()) {
        if (action === 'pending') {
          table.markPending(key, now);
          if (!refused.has(key) && !waiting.has(key)) waiting.set(key, now);
        } else {
          if (action === 'done') table.markDone(key, frontendsOf(ports), now);
          else table.markError(key, frontendsOf(ports + 1), { code: 'WP_TEST', message: 'no' }, now);
          waiting.delete(key);
          if (action === 'error') refused.add(key);
          else refused.delete(key);
        }
        const counts = { Pending: 0, Done: 0, Error: 0 };
        for (const { state } of table.rows()) counts[state] += 1;
        expect(table.counts).toEqual(counts);
        expect(table.pendingSince()).toBe(waiting.size === 0 ? null : Math.min(...waiting.values()));
      }
    }),
  );
});

test('a Service that goes is seen as pending until the kernel has let it go', () => {
  const table = new StatusTable('IPv4');
  table.markDone('shop/a', frontendsOf(2), 0);
  table.markPending('shop/a', 1);
  table.notePlanned('shop/a', []);
  expect(table.rows().map(({ port, state }) => [port, state])).toEqual([
    [1, 'Pending'],
    [2, 'Pending'],
  ]);
  table.markDone('shop/a', [], 2);
  expect(table.rows()).toEqual([]);
  table.markPending('shop/a', 3);
  table.notePlanned('shop/a', frontendsOf(1));
  expect(table.rows().map(({ port, state }) => [port, state])).toEqual([[1, 'Pending']]);
});
