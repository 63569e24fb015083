import { expect, test } from 'vitest';
import { emptySnapshot, parseAddress } from '../model/mod.ts';
import type { Address, NodeRecord, Snapshot } from '../model/mod.ts';
import { IngressPeers } from './ingress-peers.ts';
import { segmentSizeOf } from './segment-size.ts';

const address = (text: string): Address => parseAddress(text) as Address;

function snapshotOf(nodes: Readonly<Record<string, readonly string[]>>): Snapshot {
  const records = Object.entries(nodes).map(([name, addresses]) => [name, { addresses: addresses.map(address) }] as const);
  return { ...emptySnapshot, nodes: new Map(records as unknown as (readonly [string, NodeRecord])[]) };
}

function open(method: 'ipip' | 'gue', clampMss = true): Promise<IngressPeers> {
  return IngressPeers.open({
    settings: { method, guePort: 6080, clampMss },
    nodeName: 'node-1',
    families: ['IPv4', 'IPv6'],
    pause: () => null,
    clock: { now: () => 0, after: () => () => {} },
    report: () => {},
    changed: () => {},
    deviceOf: () => null,
  });
}

test('[INGRESS-35] other nodes are peers, each with all its addresses of the family', async () => {
  const peers = await open('gue');
  const snapshot = snapshotOf({
    'node-1': ['192.0.2.11', '2001:db8::11'],
    'node-3': ['192.0.2.13', '2001:db8::13'],
    'node-2': ['192.0.2.12', '203.0.113.12'],
  });
  const nodes = ['192.0.2.12', '192.0.2.13', '203.0.113.12'].map((one) => ({ address: one, link: null }));
  const found = peers.peers('IPv4', snapshot);
  expect(found).toEqual({ devices: ['waypost4'], protocols: [{ protocol: 4 }, { udpPort: 6080 }], nodes });
  // A new value would make every rule anew.
  expect(peers.peers('IPv4', { ...snapshot, nodes: new Map(snapshot.nodes ?? []) })).toBe(found);
  expect(peers.peers('IPv6', snapshot).nodes).toEqual([{ address: '2001:db8::13', link: null }]);
  expect(peers.peers('IPv4', emptySnapshot).nodes).toEqual([]);
});

test('[INGRESS-37] segments leave room for the headers of the tunnel, if they are to', async () => {
  const sizes = async (method: 'ipip' | 'gue', clamp: boolean) => {
    const peers = await open(method, clamp);
    return [peers.segmentSize('IPv4'), peers.segmentSize('IPv6')];
  };
  expect(await sizes('ipip', true)).toEqual([1440, 1400]);
  expect(await sizes('gue', true)).toEqual([1428, 1388]);
  expect(await sizes('gue', false)).toEqual([null, null]);
  expect(segmentSizeOf('IPv4', 'dr', 9000)).toBe(8940);
});
