import { expect, test } from 'vitest';
import { firstNode } from './arbitrary.ts';
import { applyEdit } from './cluster.ts';
import type { Cluster, Edit, RawEndpoint } from './cluster.ts';
import { clients } from './hosts.ts';
import type { RawConfig } from './reference.ts';
import { Subject } from './subject.ts';

const config: RawConfig = {
  clusterCIDR: '10.244.0.0/16',
  detectLocalMode: 'ClusterCIDR',
  detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
  nodePortAddresses: [],
  iptables: { masqueradeAll: false, masqueradeBit: 14, localhostNodePorts: true },
};

const packet = {
  family: 'IPv4',
  source: clients.podHere.IPv4,
  destination: '10.96.0.1',
  protocol: 'TCP',
  port: 80,
  device: 'pod-50',
} as const;

/** The back ends that one Service's ClusterIP leads to after each edit. */
async function follow(edits: readonly Edit[]): Promise<readonly string[][]> {
  let cluster: Cluster = { services: new Map(), slices: new Map(), node: firstNode, interfaces: [] };
  const subject = new Subject(config, { mode: 'iptables', withSets: true });
  const met: string[][] = [];
  for (const edit of edits) {
    cluster = applyEdit(cluster, edit);
    await subject.follow(cluster);
    met.push([...new Set(subject.trace(packet).map((way) => `${way.end} ${way.packet.destination}`))].toSorted());
  }
  return met;
}

function slice(index: number, ...addresses: readonly string[]): Edit {
  const endpoints = addresses.map((address): RawEndpoint => ({ addresses: [address], nodeName: 'node-2' }));
  const ports = [{ name: 'a', protocol: 'TCP', port: 8080 }];
  return { kind: 'slice', slot: 0, index, slice: { addressType: 'IPv4', ports, endpoints } };
}

const service: Edit = { kind: 'service', slot: 0, spec: {} };
const one = 'sent 10.244.2.11';
const two = 'sent 10.244.2.12';

test('[SP-14] an endpoint that is added to one slice before it leaves the other never disappears', async () => {
  const met = await follow([
    service,
    slice(0, '10.244.2.11', '10.244.2.12'),
    slice(1, '10.244.2.11'),
    slice(0, '10.244.2.12'),
    slice(1, '10.244.2.11', '10.244.2.12'),
    { kind: 'delete-slice', slot: 0, index: 0 },
  ]);
  expect(met.slice(1)).toEqual(Array.from({ length: 5 }, () => [one, two]));
});

test('[SP-7] slices that come before their Service serve as soon as it is there, and so do late ones', async () => {
  expect(await follow([slice(0, '10.244.2.11'), service, slice(1, '10.244.2.12')])).toEqual([
    ['sent 10.96.0.1'],
    [one],
    [one, two],
  ]);
});
