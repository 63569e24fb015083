import { describe, expect, it } from 'vitest';
import { precedenceOf } from '../../src/model/mod.ts';
import type { Address, EndpointRecord, Frontend, SliceRecord } from '../../src/model/mod.ts';
import { deriveFrontends } from '../../src/proxy/mod.ts';
import type { Viewpoint } from '../../src/proxy/mod.ts';
import { address, draw, end, port, recordOf, requestOf, scene, shape } from '../../src/ingress/publisher.fixture.ts';
import type { Shape } from '../../src/ingress/publisher.fixture.ts';

/** The publisher on what the view of the proxy really makes of Services. */
const here: Viewpoint = {
  family: 'IPv4',
  nodeName: 'node-1',
  zone: null,
  nodeAddress: null,
  detectsPods: true,
  masqueradeAll: false,
  externalIps: true,
};

const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };

function endpoint(text: string, nodeName: string, state = ready): EndpointRecord {
  return { address: address(text), ...state, nodeName, zone: null, zoneHints: [], nodeHints: [], hostname: null, podName: null };
}

function slicesOf({ ports }: Shape, endpoints: readonly EndpointRecord[]): readonly SliceRecord[] {
  const listed = ports.map(({ name, protocol, target }) => ({ name, protocol, port: target }));
  const slice: SliceRecord = {
    key: 'shop/web-1',
    service: 'shop/web',
    proxied: true,
    family: 'IPv4',
    ports: listed,
    publishedPorts: listed,
    endpoints,
    furtherEndpoints: [],
    triggeredAt: null,
    labels: {},
  };
  return [slice];
}

function viewOf(of: Shape, endpoints: readonly EndpointRecord[]): readonly Frontend[] {
  const loadBalancer = of.vips.map((vip) => ({ address: address(vip), ipMode: 'VIP' as const }));
  return deriveFrontends({ ...recordOf(of), loadBalancer }, slicesOf(of, endpoints), here);
}

function publishedFrom(of: Shape, endpoints: readonly EndpointRecord[]): string[] {
  const nodes = new Map(endpoints.map((one) => [one.address, one.nodeName]));
  const nodeOf = (backend: Address): string | null => nodes.get(backend) ?? null;
  return draw(scene().publisher.publish({ service: recordOf(of), family: 'IPv4', frontends: viewOf(of, endpoints), nodeOf }));
}

const ports = [port(80, { target: 8080, nodePort: 30080 }), port(443)];
const both = [endpoint('10.244.1.5', 'node-1'), endpoint('10.244.2.6', 'node-2')];

describe('what the view derives, published', () => {
  it.each([false, true])('is what the tests of the publisher take for it (Local: %s)', (externalLocal) => {
    const of = shape({ ports, service: { externalLocal } });
    const aside = { precedence: precedenceOf(recordOf(of)) };
    const plain = requestOf(of).frontends.map((frontend) => ({ ...frontend, ...aside }));
    const external = plain.filter(({ kind }) => kind !== 'ClusterIP');
    const derived = viewOf(of, both).map((frontend) => ({ ...frontend, ...aside }));
    expect(derived.filter(({ kind }) => kind !== 'ClusterIP')).toEqual(external);
  });

  it('[INGRESS-28] keeps clients of a Local Service on back ends here that terminate, when there are no others', () => {
    const of = shape({ ports: [port(80)], service: { externalLocal: true } });
    const endpoints = [endpoint('10.244.1.5', 'node-1', draining), endpoint('10.244.2.6', 'node-2')];
    expect(publishedFrom(of, endpoints)).toEqual([
      'TCP 203.0.113.5:80 shop/web#TCP/80 | pod #cluster[10.244.2.6:80] as itself node #cluster[10.244.2.6:80] outside #local[10.244.1.5:80] as itself',
    ]);
  });

  it('[INGRESS-34] serves what other nodes send on with back ends that terminate', () => {
    const of = shape({ ports: [port(80)], service: { externalLocal: true }, publishing: { mode: 'dsr' } });
    const endpoints = [endpoint('10.244.1.5', 'node-1', draining), endpoint('10.244.2.6', 'node-2')];
    const [line = ''] = publishedFrom(of, endpoints);
    expect(line).toContain('hop=[10.244.1.5:80]');
    expect(line).toContain('outside #dsr[192.0.2.2:0!ipip] as itself');
  });

  it('[INGRESS-12] shares a mark over ports and leaves node ports and ClusterIPs alone', () => {
    const of = shape({ ports, publishing: { affinityScope: 'service' }, ends: [end('10.244.1.5', 'node-1')] });
    expect(publishedFrom(of, both)).toEqual([
      'TCP *:30080 plain | all #cluster[10.244.1.5:8080 10.244.2.6:8080]',
      'TCP 203.0.113.5:80 shop/web#all ->8080 | all #cluster[10.244.1.5:0 10.244.2.6:0]',
      'TCP 203.0.113.5:443 shop/web#all | all #cluster[10.244.1.5:0 10.244.2.6:0]',
    ]);
  });
});
