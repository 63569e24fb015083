import { expect, test } from 'vitest';
import type { EndpointRecord, Publisher, ServiceRecord } from '../model/mod.ts';
import { explainEndpoints } from './explain-endpoints.ts';
import { address, endpoint, service, servicePort, slice } from './records.fixture.ts';

const here = { family: 'IPv4' as const, nodeName: 'node-1', zone: 'a', externalIps: true };
const local = { nodeName: 'node-1' };
const draining = { ready: false, serving: true, terminating: true };
const unready = { ready: false, serving: false };
const published = { type: 'NodePort' as const, ports: [servicePort({ nodePort: 30080 })] };

/** `inside outside` of each endpoint: the weight where it is used, else why not. */
function explain(of: Partial<ServiceRecord>, endpoints: readonly EndpointRecord[], publisher: Publisher | null = null): string[] {
  return explainEndpoints(service(of), [slice(endpoints)], here, publisher).map(({ inside, outside }) =>
    [inside, outside].map((part) => (part === null ? '-' : part.used ? String(part.weight) : part.why)).join(' '),
  );
}

test('who is not reached from outside has nothing to say of clients outside', () => {
  expect(explain({}, [endpoint('10.244.1.1'), endpoint('10.244.1.2', unready)])).toEqual(['1 -', 'not-ready -']);
});

test('without a ready one those that terminate are used', () => {
  expect(explain(published, [endpoint('10.244.1.1', draining), endpoint('10.244.1.2', unready)])).toEqual([
    '1 1',
    'not-ready not-ready',
  ]);
  expect(explain(published, [endpoint('10.244.1.1', draining), endpoint('10.244.1.2')])).toEqual([
    'terminating terminating',
    '1 1',
  ]);
});

test('policies of Local hold for each kind of client by itself', () => {
  const both = [endpoint('10.244.1.1', local), endpoint('10.244.2.1'), endpoint('10.244.1.2', { ...local, ...draining })];
  const sorted = ['10.244.1.1', '10.244.1.2', '10.244.2.1'];
  expect(explainEndpoints(service(published), [slice(both)], here, null).map((one) => String(one.address))).toEqual(sorted);
  expect(explain({ ...published, externalLocal: true }, both)).toEqual(['1 1', 'terminating terminating', '1 not-local']);
  expect(explain({ ...published, internalLocal: true }, both)).toEqual(['1 1', 'terminating terminating', 'not-local 1']);
});

test('hints keep endpoints for other zones or nodes, and a zone without any uses all', () => {
  const zoned = [endpoint('10.244.1.1', { zoneHints: ['a'] }), endpoint('10.244.1.2', { zoneHints: ['b'] })];
  expect(explain({}, zoned)).toEqual(['1 -', 'other-zone -']);
  expect(explain({}, [endpoint('10.244.1.2', { zoneHints: ['b'] })])).toEqual(['1 -']);
  const noded = [endpoint('10.244.1.1', { nodeHints: ['node-1'] }), endpoint('10.244.1.2', { nodeHints: ['node-2'] })];
  expect(explain({}, noded)).toEqual(['1 -', 'other-node -']);
});

test('weights of the Service', () => {
  const tuning = { scheduler: null, drainSeconds: null, weights: [{ kind: 'node' as const, name: 'node-1', weight: 0 }] };
  const both = [endpoint('10.244.1.1', local), endpoint('10.244.2.1')];
  expect(explain({ tuning }, both)).toEqual(['no-weight -', '1 -']);
  const three = { ...tuning, weights: [{ kind: 'node' as const, name: 'node-1', weight: 3 }] };
  expect(explain({ tuning: three }, both)).toEqual(['3 -', '1 -']);
  // All that is left weighs 0: then each weighs 1.
  expect(explain({ tuning, internalLocal: true }, both)).toEqual(['1 -', 'not-local -']);
});

test('what a check of the agent found dead, with what the cluster says of it', () => {
  const publishing = { healthCheck: {} } as unknown as NonNullable<ServiceRecord['publishing']>;
  const publisher = { isLive: (_: string, { address: at }: { address: string }) => at !== '10.244.1.1' } as unknown as Publisher;
  const both = [endpoint('10.244.1.1'), endpoint('10.244.1.2')];
  expect(explain({ ...published, publishing }, both, publisher)).toEqual(['check-failed check-failed', '1 1']);
  const [dead] = explainEndpoints(service({ publishing }), [slice(both)], here, publisher);
  expect(dead).toMatchObject({ ready: true, serving: true, portName: 'http', port: 8080, local: false, node: 'node-2' });
});

test('nothing in a family that the Service is not served in', () => {
  const all = [slice([endpoint('10.244.1.1')])];
  expect(explainEndpoints(service(), all, { ...here, family: 'IPv6' }, null)).toEqual([]);
  expect(explainEndpoints(service({ headless: true }), all, here, null)).toEqual([]);
  expect(explainEndpoints(service({ type: 'ExternalName' }), all, here, null)).toEqual([]);
  const shifted = service({ externalIps: [address('198.51.100.7')] });
  expect(explainEndpoints(shifted, all, { ...here, externalIps: false }, null)[0]?.outside).toBeNull();
});
