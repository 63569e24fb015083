import { describe, expect, it } from 'vitest';
import type { EndpointRecord, ServiceRecord, SliceRecord, Snapshot } from '../model/mod.ts';
import { emptySnapshot } from '../model/mod.ts';
import { AnnounceBook } from './announce-book.ts';
import { address, facts, node, recordOf, settings, shape } from './publisher.fixture.ts';
import type { Shape } from './publisher.fixture.ts';
import type { PublisherFacts } from './publisher-settings.ts';

const key = 'shop/web';
const ready = { ready: true, serving: true, terminating: false };
const draining = { ready: false, serving: true, terminating: true };

function endpoint(text: string, nodeName: string | null, state: Partial<EndpointRecord> = ready): EndpointRecord {
  const rest = { zone: null, zoneHints: [], nodeHints: [], hostname: null, podName: null };
  return { address: address(text), ...ready, ...state, nodeName, ...rest };
}

function announced(over: Partial<Shape> = {}): ServiceRecord {
  const of = shape({ ...over, publishing: { announce: true, ...over.publishing } });
  const record = recordOf(of);
  const loadBalancer = of.vips.map((vip) => ({ address: address(vip), ipMode: 'VIP' as const }));
  return { ...record, loadBalancer, ...over.service };
}

function stage() {
  let known: PublisherFacts = facts;
  const book = new AnnounceBook({ mode: 'ipvs', settings: { ...settings, announces: true }, facts: () => known });
  let snapshot: Snapshot = emptySnapshot;
  return {
    book,
    put(service: ServiceRecord | null, endpoints: readonly EndpointRecord[] = []): boolean {
      const slice = { service: key, family: 'IPv4', endpoints } as unknown as SliceRecord;
      const services = new Map(service === null ? [] : [[key, service]]);
      snapshot = { ...snapshot, services, slices: new Map([[key, [slice]]]) };
      return book.take(snapshot, { ...dirtyNone, services: new Set([key]) });
    },
    learn(nodes: PublisherFacts['nodes']): boolean {
      known = { ...known, nodes };
      return book.take(snapshot, dirtyNone);
    },
  };
}

const none: ReadonlySet<string> = new Set();
const dirtyNone = { services: none, node: false, namespaces: none, pods: none, nodes: none };
const everywhere = ['node-1', 'node-2', 'node-3'];

describe('[INGRESS-49] which addresses are announced', () => {
  it('those of Services that ask for it, on nodes that accept', () => {
    const { book, put, learn } = stage();
    expect(put(announced({ publishing: { announce: false } }))).toBe(true);
    expect(book.wishes()).toEqual([]);
    put(announced({ vips: ['203.0.113.5', '203.0.113.6'] }));
    const both = ['203.0.113.5', '203.0.113.6'];
    expect(book.wishes()).toEqual(both.map((vip) => ({ address: vip, eligible: everywhere })));
    expect(book.servicesOf(address('203.0.113.6'))).toEqual([key]);
    const labels = { edge: 'yes' };
    learn(new Map([node('node-1', []), node('node-2', [], { labels }), node('node-3', [], { labels, leaving: true })]));
    put(announced({ publishing: { nodeSelector: [{ label: 'edge', operator: 'exists' }] } }));
    expect(book.wishes()).toEqual([{ address: '203.0.113.5', eligible: ['node-2'] }]);
    put(null);
    expect(book.wishes()).toEqual([]);
  });

  it('with a Local policy those that have back ends; where all terminate those that serve', () => {
    const { book, put } = stage();
    const eligible = (): readonly string[] | undefined => book.wishes()[0]?.eligible;
    const local = announced({ service: { externalLocal: true } });
    put(local, [endpoint('10.244.1.5', 'node-1'), endpoint('10.244.2.6', 'node-2', draining), endpoint('10.244.9.9', null)]);
    expect(eligible()).toEqual(['node-1']);
    put(local, [endpoint('10.244.2.6', 'node-2', draining)]);
    expect(eligible()).toEqual(['node-2']);
    put(local);
    expect(eligible()).toEqual([]);
    put(announced({ service: { externalLocal: true }, publishing: { mode: 'dsr' } }));
    expect(eligible()).toEqual(everywhere);
    put(announced({ publishing: { mode: 'local' } }), [endpoint('10.244.3.1', 'node-3')]);
    expect(eligible()).toEqual(['node-3']);
  });

  it('[INGRESS-3] [INGRESS-4] none that is refused, nor one of which somebody else sees to the traffic', () => {
    const { book, put } = stage();
    const loadBalancer = [
      { address: address('203.0.113.5'), ipMode: 'Proxy' as const },
      { address: address('192.0.2.2'), ipMode: 'VIP' as const },
      { address: address('203.0.113.7'), ipMode: 'VIP' as const },
    ];
    put(announced({ service: { loadBalancer, externalIps: [address('198.51.100.1')] } }));
    expect(book.wishes().map((wish) => wish.address)).toEqual(['203.0.113.7']);
    put(announced({ service: { loadBalancerClass: 'other' } }));
    expect(book.wishes()).toEqual([]);
  });

  it('a commit that has nothing to do with it changes nothing', () => {
    const { put, learn } = stage();
    put(announced());
    expect(put(announced())).toBe(true);
    expect(learn(facts.nodes)).toBe(true);
    const other = stage();
    other.put(null);
    expect(other.put(null)).toBe(false);
  });
});
