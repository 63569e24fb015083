import { describe, expect, it } from 'vitest';
import type { Frontend } from '../model/mod.ts';
import { complaints, draw, end, facts, port, prefix, requestOf, scene, shape } from './publisher.fixture.ts';
import type { Shape } from './publisher.fixture.ts';
import type { PublisherSettings } from './publisher-settings.ts';

function addressesOf(frontends: readonly Frontend[]): string[] {
  return frontends.filter(({ kind }) => kind !== 'ClusterIP').map(({ kind, address }) => `${kind} ${address ?? '*'}`);
}

describe('which Services publish', () => {
  const foreign = { loadBalancerClass: 'example.com/lb' };

  it.each<[string, Partial<Shape>]>([
    ['of another class', { service: foreign }],
    ['of no class', { service: { loadBalancerClass: null } }],
    ['of another class that asks for nothing', { service: foreign, publishing: { method: 'none' } }],
    ['of another class with other annotations', { service: foreign, publishing: { affinityScope: 'service' } }],
    ['of type NodePort', { service: { type: 'NodePort' }, publishing: { method: 'fwmark' }, vips: [] }],
    ['of type ClusterIP with our class', { service: { type: 'ClusterIP' }, vips: [] }],
  ])('[INGRESS-2] a Service %s is untouched', (_, over) => {
    const request = requestOf(shape(over));
    const { publisher, notices } = scene();
    expect(publisher.publish(request)).toBe(request.frontends);
    expect(notices).toEqual([]);
  });

  it('[INGRESS-1] a Service of our class has its addresses published', () => {
    const one = scene();
    expect(draw(one.publish(shape({ vips: ['203.0.113.5', '203.0.113.6'] })))).toEqual([
      'TCP 203.0.113.5:80 shop/web#TCP/80 | all #cluster[10.244.1.5:80 10.244.2.6:80]',
      'TCP 203.0.113.6:80 shop/web#TCP/80 | all #cluster[10.244.1.5:80 10.244.2.6:80]',
    ]);
    expect(one.notices).toEqual([
      { service: 'shop/web', reason: 'Published', message: 'published by firewall mark on 203.0.113.5, 203.0.113.6' },
    ]);
  });

  it('[INGRESS-2] an annotation hands a Service of another class over', () => {
    const published = scene().publish(shape({ service: foreign, publishing: { method: 'fwmark' } }));
    expect(published.map(({ publication }) => publication?.group)).toEqual([undefined, 'shop/web#TCP/80']);
  });

  it('serves by address where an annotation asks for that', () => {
    const one = scene();
    expect(draw(one.publish(shape({ publishing: { method: 'address', capture: 'policy' } })))).toEqual([
      'TCP 203.0.113.5:80 plain | all #cluster[10.244.1.5:80 10.244.2.6:80]',
    ]);
    expect(one.notices.map(({ message }) => message)).toEqual(['published by address on 203.0.113.5']);
  });

  it('leaves load-balancer addresses out where an annotation asks for none', () => {
    const of = shape({ publishing: { method: 'none' }, ports: [port(80, { nodePort: 30080 })], externalIps: ['198.51.100.1'] });
    expect(addressesOf(scene().publish(of))).toEqual(['NodePort *', 'ExternalIP 198.51.100.1']);
  });

  it('gives every frontend the precedence of its Service', () => {
    const frontends = scene().publish(shape({ service: { createdAt: 1_700_000_000, uid: 'u-1' } }));
    expect(frontends.map(({ precedence }) => precedence)).toEqual(Array(2).fill('001700000000/u-1/shop/web'));
  });

  it('does not change what it was given', () => {
    const request = requestOf(shape({ service: { affinity: { timeoutSeconds: 60 } } }));
    const before = structuredClone(request.frontends);
    scene().publisher.publish(request);
    expect(request.frontends).toEqual(before);
  });

  it('[INGRESS-46] publishes both families, each with its own addresses', () => {
    const { publisher } = scene();
    const of = shape({ vips: ['2001:db8::5'], ends: [end('fd00:244::5', 'node-1')] });
    const published = publisher.publish(requestOf(of, 'node-1', 'IPv6'));
    expect(draw(published)).toEqual(['TCP 2001:db8::5:80 shop/web#TCP/80 | all #cluster[fd00:244::5:80]']);
  });
});

describe('addresses that are refused', () => {
  const limited: Partial<PublisherSettings> = { vipCidrs: [prefix('203.0.113.0/24'), prefix('2001:db8::/64')] };

  it.each<[string, string, Partial<PublisherSettings>]>([
    ['198.51.100.1', 'no range of ingress.vipCIDRs holds it', limited],
    ['2001:db8:1::1', 'no range of ingress.vipCIDRs holds it', limited],
    ['192.0.2.1', 'it is an address of node node-1', {}],
    ['172.17.0.1', 'it is an address of this node', {}],
    ['192.0.2.2', 'it is an address of node node-2', {}],
    ['fd00::2', 'it is an address of node node-2', {}],
    ['192.0.2.100', 'it is the address of an API server', {}],
    ['10.244.7.7', 'it is in a range of pods', {}],
    ['10.99.3.8', 'it is in a range of pods', {}],
    ['fd00:244::9', 'it is in a range of pods', {}],
    ['10.96.0.1', 'it is in a range of ClusterIPs', {}],
    ['fd00:96::1', 'it is in a range of ClusterIPs', {}],
    ['127.0.0.1', 'clients cannot be sent to such an address', {}],
    ['::1', 'clients cannot be sent to such an address', {}],
    ['0.0.0.0', 'clients cannot be sent to such an address', {}],
    ['169.254.1.1', 'clients cannot be sent to such an address', {}],
    ['224.0.0.1', 'clients cannot be sent to such an address', {}],
    ['255.255.255.255', 'clients cannot be sent to such an address', {}],
    ['fe80::1', 'clients cannot be sent to such an address', {}],
  ])('[INGRESS-4] %s is refused: %s', (vip, reason, own) => {
    const one = scene({ settings: own });
    expect(addressesOf(one.publish(shape({ vips: [vip, '203.0.113.5'] })))).toEqual(['LoadBalancerIP 203.0.113.5']);
    expect(complaints(one)).toEqual([`VIPRefused: ${vip} is not published: ${reason}`]);
  });

  it('[INGRESS-4] all of them where ingress.vipCIDRs names no range', () => {
    const one = scene({ settings: { vipCidrs: [] } });
    expect(addressesOf(one.publish(shape({ vips: ['203.0.113.5'] })))).toEqual([]);
    expect(complaints(one)).toEqual(['VIPRefused: 203.0.113.5 is not published: no range of ingress.vipCIDRs holds it']);
  });

  it('[INGRESS-4] also where the Service asks to be served by address, and in other modes', () => {
    const refused = shape({ vips: ['192.0.2.2'], publishing: { method: 'address' } });
    expect(addressesOf(scene().publish(refused))).toEqual([]);
    expect(addressesOf(scene({ mode: 'nftables' }).publish(shape({ vips: ['192.0.2.2'] })))).toEqual([]);
  });

  it('[INGRESS-4] takes new facts into account', () => {
    let known = { ...facts, nodes: null };
    const one = scene({ facts: () => known });
    expect(addressesOf(one.publish(shape({ vips: ['192.0.2.2'] })))).toHaveLength(1);
    known = { ...facts, nodes: null, apiServers: [...facts.nodeAddresses, ...addressList('192.0.2.2')] };
    expect(addressesOf(one.publish(shape({ vips: ['192.0.2.2'] })))).toEqual([]);
  });

  it('[INGRESS-4] external IPs need to be allowed', () => {
    const of = shape({ externalIps: ['198.51.100.1', '198.51.101.1'], vips: [] });
    const one = scene({ settings: { externalIps: [prefix('198.51.100.0/24')] } });
    expect(addressesOf(one.publish(of))).toEqual(['ExternalIP 198.51.100.1']);
    expect(complaints(one)).toEqual(['VIPRefused: 198.51.101.1 is not published: no range of ingress.externalIPs holds it']);
    expect(addressesOf(scene().publish(of))).toEqual([]);
  });

  it('tells once, again after it was healed, and once for both families', () => {
    const one = scene();
    const bad = shape({ vips: ['192.0.2.2'], publishing: { onePacket: true } });
    one.publish(bad);
    one.publish(bad);
    one.publisher.publish(requestOf({ ...bad, vips: [], ends: [] }, 'node-1', 'IPv6'));
    expect(one.notices.map(({ reason }) => reason)).toEqual(['VIPRefused', 'InvalidAnnotation']);
    one.publish(shape({ publishing: { onePacket: true } }));
    one.publish(bad);
    expect(one.notices.map(({ reason }) => reason)).toEqual(['VIPRefused', 'InvalidAnnotation', 'Published', 'VIPRefused']);
  });

  it('says anew where a Service is published when its addresses change', () => {
    const one = scene();
    for (const vip of ['203.0.113.5', '203.0.113.5', '203.0.113.6', '203.0.113.5']) one.publish(shape({ vips: [vip] }));
    expect(one.notices.map(({ message }) => message.slice(-1))).toEqual(['5', '6', '5']);
  });
});

describe('nodes that accept clients', () => {
  const selector = [{ label: 'role', operator: 'in', values: ['edge'] }] as const;
  const nodes = new Map(
    [...(facts.nodes ?? [])].map(([name, record]) => [
      name,
      { ...record, labels: { role: name === 'node-1' ? 'edge' : 'core' } },
    ]),
  );
  const of = shape({ publishing: { nodeSelector: selector }, ports: [port(80, { nodePort: 30080 })] });

  it('leaves addresses out on nodes that the selector does not match', () => {
    expect(addressesOf(scene({ facts: () => ({ ...facts, nodes }) }).publish(of))).toEqual([
      'NodePort *',
      'LoadBalancerIP 203.0.113.5',
    ]);
    const other = scene({ facts: () => ({ ...facts, nodes }), nodeName: 'node-2' });
    expect(addressesOf(other.publish(of))).toEqual(['NodePort *']);
    expect(addressesOf(scene({ mode: 'iptables', facts: () => ({ ...facts, nodes }), nodeName: 'node-2' }).publish(of))).toEqual([
      'NodePort *',
    ]);
  });

  it('[INGRESS-34] goes on serving what other nodes send, with direct return', () => {
    const other = scene({ facts: () => ({ ...facts, nodes }), nodeName: 'node-2' });
    const direct = { ...of, publishing: { ...of.publishing, mode: 'dsr' as const } };
    const first = draw(other.publish(direct)).find((line) => line.includes('203.0.113.5'));
    expect(first).toContain('hop=[10.244.2.6:80]');
    expect(first).toContain('outside drop');
    expect(other.publish(direct).at(-1)?.publication?.plain).toBeNull();
  });

  it('takes a node without known labels for one without labels', () => {
    expect(addressesOf(scene({ facts: () => ({ ...facts, nodes: null }) }).publish(of))).toEqual(['NodePort *']);
  });
});

describe('source ranges of node ports', () => {
  const ports = [port(80, { nodePort: 30080 })];
  const service = { sourceRanges: [prefix('198.51.100.0/24'), prefix('2001:db8::/32')] };

  it.each<[string, boolean, readonly string[], string | undefined]>([
    ['are those of the addresses where asked for', true, ['203.0.113.5'], '198.51.100.0'],
    ['are those of the Service before it has an address', true, [], '198.51.100.0'],
    ['are none otherwise', false, ['203.0.113.5'], undefined],
  ])('[INGRESS-44] %s', (_, sourceRangesOnNodePorts, vips, expected) => {
    const frontends = scene().publish(shape({ ports, service, vips, publishing: { sourceRangesOnNodePorts } }));
    const nodePort = frontends.find(({ kind }) => kind === 'NodePort');
    expect(nodePort?.allowedSources?.prefixes.map(({ address }) => address)).toEqual(
      expected === undefined ? undefined : [expected],
    );
  });

  it('[INGRESS-44] stay those of published ports and ranges', () => {
    const of = shape({ service, publishing: { portRanges: [{ protocol: 'UDP', first: 1000, last: 1010 }] } });
    for (const frontend of scene().publish(of).slice(1)) expect(frontend.allowedSources?.prefixes).toHaveLength(1);
  });
});

function addressList(text: string): typeof facts.apiServers {
  return [prefix(`${text}/32`).address];
}
