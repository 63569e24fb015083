import { describe, expect, test } from 'vitest';
import { parseAddress, parsePrefix } from '../model/mod.ts';
import type { Address } from '../model/mod.ts';
import { planLinks } from './peer-links.ts';
import type { LinkFacts } from './peer-links.ts';

const address = (text: string): Address => parseAddress(text) as Address;

function route(prefix: string, device: string | null, gateway: string | null = null): LinkFacts['routes'][number] {
  const destination = parsePrefix(prefix);
  if (destination === null) throw new TypeError(`not a prefix: ${prefix}`);
  return { destination, type: 'unicast', device, gateway: gateway === null ? null : address(gateway) };
}

const usual: LinkFacts = {
  peers: [
    { node: 'node-2', address: address('192.0.2.12') },
    { node: 'node-3', address: address('192.0.2.13') },
  ],
  routes: [route('0.0.0.0/0', 'eth0', '192.0.2.1'), route('192.0.2.0/24', 'eth0'), route('10.244.2.0/24', 'eth0', '192.0.2.12')],
  neighbours: [
    { address: address('192.0.2.1'), index: 2, link: '02:00:00:00:00:01' },
    { address: address('192.0.2.12'), index: 2, link: '02:00:00:00:00:12' },
    { address: address('192.0.2.13'), index: 2, link: '02:00:00:00:00:13' },
  ],
  interfaces: [
    { index: 1, name: 'lo', hardware: null },
    { index: 2, name: 'eth0', hardware: new Uint8Array(6) },
    { index: 3, name: 'eth1', hardware: new Uint8Array(6) },
  ],
  known: new Map(),
};

function plan(over: Partial<LinkFacts>) {
  const { links, look, unfit } = planLinks({ ...usual, ...over });
  return {
    links: Object.fromEntries(links),
    look: look.map((one) => `${one.address} ${one.index}`),
    unfit: Object.fromEntries(unfit),
  };
}

describe('[INGRESS-34] links of peers', () => {
  test('are those of neighbours on the link that the route leads to; the router is looked at as well', () => {
    expect(plan({})).toEqual({
      links: { '192.0.2.12': '02:00:00:00:00:12', '192.0.2.13': '02:00:00:00:00:13' },
      look: ['192.0.2.12 2', '192.0.2.13 2', '192.0.2.1 2'],
      unfit: {},
    });
    // A neighbour of another interface is another host.
    const elsewhere = usual.neighbours.map((one) => ({ ...one, index: 3 }));
    expect(plan({ neighbours: elsewhere }).links).toEqual({});
  });

  test('that the kernel has forgotten stay, until it knows better', () => {
    const known = new Map([
      [address('192.0.2.12'), '02:00:00:00:00:99'],
      [address('192.0.2.13'), '02:00:00:00:00:13'],
      [address('192.0.2.14'), '02:00:00:00:00:14'],
    ]);
    const neighbours = usual.neighbours.filter(({ address: one }) => one !== '192.0.2.13');
    expect(plan({ known, neighbours }).links).toEqual({
      '192.0.2.12': '02:00:00:00:00:12',
      '192.0.2.13': '02:00:00:00:00:13',
    });
  });

  test('are not to be had behind a router, without a route, or where there is no Ethernet', () => {
    const why = 'it is on no Ethernet link of this node';
    const behind = [...usual.routes, route('192.0.2.13/32', 'eth0', '192.0.2.1')];
    expect(plan({ routes: behind })).toMatchObject({ links: { '192.0.2.12': expect.any(String) }, unfit: { '192.0.2.13': why } });
    expect(plan({ routes: [] }).unfit).toEqual({ '192.0.2.12': why, '192.0.2.13': why });
    expect(plan({ routes: [route('192.0.2.0/24', 'lo')] }).unfit).toEqual({ '192.0.2.12': why, '192.0.2.13': why });
    const nowhere = { ...route('192.0.2.12/32', null), type: 'blackhole' } as const;
    expect(plan({ routes: [...usual.routes, nowhere] }).unfit).toEqual({});
  });

  test('tell nobody apart who shares one with another node, or with the router of clients', () => {
    const all = usual.neighbours.map((one) => ({ ...one, link: '02:00:00:00:00:12' }));
    expect(plan({ neighbours: all.slice(1) })).toMatchObject({
      links: {},
      unfit: { '192.0.2.12': 'another node has its link-layer address 02:00:00:00:00:12 too' },
    });
    expect(plan({ neighbours: all.slice(0, 2) })).toMatchObject({
      links: {},
      unfit: { '192.0.2.12': 'a router has its link-layer address 02:00:00:00:00:12 too' },
    });
  });

  test('two addresses of one node may have one', () => {
    const peers = usual.peers.map((peer) => ({ ...peer, node: 'node-2' }));
    const neighbours = usual.neighbours.slice(1).map((one) => ({ ...one, link: '02:00:00:00:00:12' }));
    expect(plan({ peers, neighbours }).unfit).toEqual({});
  });
});
