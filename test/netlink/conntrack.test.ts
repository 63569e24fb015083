import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import type { ConntrackFlow } from '../../src/netlink/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, kernelFamilies } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { insert, listFlows, readTable, removeFlows } from './table.ts';

const hosts = {
  IPv4: { client: '10.244.1.9', service: '10.96.0.10', backend: '10.244.1.5' },
  IPv6: { client: 'fd00:10:244:1::9', service: 'fd00:10:96::a', backend: 'fd00:10:244:1::5' },
} as const satisfies Readonly<Record<Family, unknown>>;

/** The port's flows in the shape in which the standard tool's lines are read. */
const plain = ({
  protocol,
  source,
  destination,
  sourcePort,
  destinationPort,
  replySource,
  replySourcePort,
  zone,
  id,
}: ConntrackFlow) => ({
  protocol: protocol.toLowerCase(),
  source,
  destination,
  sourcePort,
  destinationPort,
  replySource,
  replySourcePort,
  zone,
  id,
});

describeWhere(await canMakeNamespaces(), 'the conntrack table through netlink, against the conntrack tool', () => {
  let lab: Lab;
  let node: Place;

  beforeAll(async () => {
    lab = await createLab({ podsOnNode1: [], podsOnNode2: [] });
    node = lab.node1;
  });
  afterAll(() => lab?.close());
  afterEach(() => lab.flushConntrack());

  /** Entries of every kind that must be told apart. */
  async function fill(family: Family): Promise<void> {
    const { client, service, backend } = hosts[family];
    const replier = [backend, 5353] as const;
    await insert(node, { protocol: 'udp', from: [client, 1000], to: [service, 53], replier });
    await insert(node, { protocol: 'udp', from: [client, 1001], to: [service, 53] });
    await insert(node, { protocol: 'udp', from: [client, 1003], to: [service, 54], replier });
    await insert(node, { protocol: 'udp', from: [client, 1000], to: [service, 53], replier, more: ['--zone', '7'] });
    await insert(node, { protocol: 'udp', from: [client, 1002], to: [service, 53], replier, more: ['--orig-zone', '9'] });
    await insert(node, { protocol: 'tcp', from: [client, 1000], to: [service, 53], replier });
    await insert(node, { protocol: 'sctp', from: [client, 1000], to: [service, 53], replier });
  }

  test.each(kernelFamilies())('it lists what the tool lists, by family, protocol and port: %s', async (family) => {
    for (const each of kernelFamilies()) await fill(each);
    const shown = await readTable(node, family);
    expect(shown).toHaveLength(7);
    for (const protocol of ['UDP', 'TCP', 'SCTP'] as const) {
      const { flows, complete } = await listFlows(node, family, protocol, [53, 5353]);
      expect(complete).toBe(true);
      const wanted = shown.filter((entry) => entry.protocol === protocol.toLowerCase() && entry.destinationPort === 53);
      expect(wanted.length).toBeGreaterThan(0);
      expect(new Set(flows.map(plain))).toEqual(new Set(wanted));
    }
  });

  test.each(kernelFamilies())('[SP-111] it deletes exactly the named entries, zones included: %s', async (family) => {
    await fill(family);
    const { flows } = await listFlows(node, family, 'UDP', [53]);
    let left = await readTable(node, family);
    for (const flow of flows) {
      expect(await removeFlows(node, [flow])).toEqual({ removed: 1, gone: 0, problem: null });
      left = left.filter((entry) => entry.id !== flow.id);
      expect(new Set(await readTable(node, family))).toEqual(new Set(left));
    }
    expect(left.map(({ protocol, destinationPort }) => [protocol, destinationPort]).toSorted()).toEqual([
      ['sctp', 53],
      ['tcp', 53],
      ['udp', 54],
    ]);
    expect(await removeFlows(node, flows)).toEqual({ removed: 0, gone: flows.length, problem: null });
    expect(await readTable(node, family)).toHaveLength(3);
  });

  test('a later flow with the same addresses and ports is not hit: its id is another', async () => {
    await fill('IPv4');
    const { flows } = await listFlows(node, 'IPv4', 'UDP', [53]);
    const before = await readTable(node, 'IPv4');
    const recycled = flows.map((flow) => ({ ...flow, id: ((flow.id ?? 0) ^ 1) >>> 0 }));
    expect(await removeFlows(node, recycled)).toEqual({ removed: 0, gone: flows.length, problem: null });
    expect(new Set(await readTable(node, 'IPv4'))).toEqual(new Set(before));
  });

  test('a table that fills many datagrams is listed whole and deleted in batches', async () => {
    const count = 600;
    const loop = `i=0; while [ $i -lt ${count} ]; do conntrack -I -p udp -s 10.244.1.9 -d 10.96.0.10 --sport $((1000 + i)) --dport 53 -t 600 || exit 1; i=$((i + 1)); done`;
    const made = await node.exec('sh', ['-c', `(${loop}) 2>&1 >/dev/null | grep -v created || true`]);
    expect(made.stdout).toBe('');
    const { flows, complete } = await listFlows(node, 'IPv4', 'UDP', [53]);
    expect([flows.length, complete, new Set(flows.map(({ sourcePort }) => sourcePort)).size]).toEqual([count, true, count]);
    const odd = flows.filter(({ sourcePort }) => sourcePort % 2 === 1);
    expect(await removeFlows(node, odd)).toEqual({ removed: count / 2, gone: 0, problem: null });
    expect((await readTable(node, 'IPv4')).every(({ sourcePort }) => sourcePort % 2 === 0)).toBe(true);
    expect(await readTable(node, 'IPv4')).toHaveLength(count / 2);
  });

  test('an empty table is an empty list', async () => {
    expect(await listFlows(node, 'IPv4', 'UDP', [53])).toEqual({ flows: [], complete: true });
  });
});
