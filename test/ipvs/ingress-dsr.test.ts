import { afterAll, beforeAll, expect, test } from 'vitest';
import { families } from '../../src/model/mod.ts';
import type { DirectReturnMethod, Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, launcher, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { backendsOf } from '../packets/live-cluster.ts';
import { bothPorts, ready, service, slices } from '../packets/objects.ts';
import type { PortSpec, ServiceUnderTest } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { kernelModule } from '../vm/host-kernel.ts';
import { fetchBulk, serveBulk } from './bulk.ts';
import { startCounting, stopCounting } from './counting.ts';
import type { Crossings } from './counting.ts';
import { mustRun, target, verdictOf } from './tools.ts';
import { createTwoNodes } from './two-nodes.ts';
import type { TwoNodes } from './two-nodes.ts';
import { longRuns, netlinkVariant } from './variants.ts';

const variant = netlinkVariant();
const hasGue = (await kernelModule('fou')) && (await kernelModule('fou6'));
const methods: readonly DirectReturnMethod[] = hasGue ? ['dr', 'ipip', 'gue'] : ['dr', 'ipip'];
const lastMethod = methods.at(-1) ?? 'dr';
const bulkPort = 9000;
const megabyte = 1024 * 1024;
/** What checks sources on both nodes while a method is tested: `net.ipv4.conf.all.rp_filter`. */
const filters: Readonly<Record<DirectReturnMethod, number>> = { dr: 2, ipip: 1, gue: 0 };
/** Of links with an MTU of 1500: without the headers of IP, of TCP and of the tunnel. */
const segments: Readonly<Record<DirectReturnMethod, Readonly<Record<Family, number>>>> = {
  dr: { IPv4: 1460, IPv6: 1440 },
  ipip: { IPv4: 1440, IPv6: 1400 },
  gue: { IPv4: 1428, IPv6: 1388 },
};

function flagsFor(method: DirectReturnMethod | null): readonly string[] {
  const dsr = method === null ? [] : ['--ingress-dsr-enabled=true', '--ingress-dsr-method', method];
  return [...variant.flags, '--ingress-enabled=true', ...dsr];
}

function published(name: string, n: number, ports: readonly PortSpec[] = bothPorts()): ServiceUnderTest {
  return service(name, n, {
    type: 'LoadBalancer',
    ports,
    annotations: { 'waypost.dev/ingress-mode': 'dsr' },
    spec: { loadBalancerClass: 'waypost.dev/ingress' },
  });
}

function addressOf(one: ServiceUnderTest, family: Family): string {
  return one.loadBalancerIp.addresses[family] ?? '';
}

describeWhere(longRuns, 'direct return between two nodes, with real packets', () => {
  let lab: Lab;
  let cluster: TwoNodes;

  beforeAll(async () => {
    lab = await createLab();
    await Promise.all(['p1', 'q1', 'q2'].map((name) => lab.place(name).listen(listenOnAll([8080]))));
    await serveBulk(lab.place('q1'), bulkPort, megabyte);
    await mustRun(lab.node1, 'modprobe', 'ip_vs');
    // Nothing in the kernel asks for these by itself.
    if (hasGue) await mustRun(lab.node1, 'modprobe', '-a', 'fou', 'fou6');
    cluster = await createTwoNodes(lab);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  /** What both nodes see of an address while something happens. */
  async function countBoth(
    one: ServiceUnderTest,
    family: Family,
    during: () => Promise<void>,
    segmentSize = 1500,
  ): Promise<{ readonly first: Crossings; readonly second: Crossings }> {
    await Promise.all(cluster.nodes.map((node) => startCounting(node, family, addressOf(one, family), segmentSize)));
    try {
      await during();
    } catch (error) {
      await Promise.all(cluster.nodes.map((node) => stopCounting(node, family)));
      throw error;
    }
    return { first: await stopCounting(lab.node1, family), second: await stopCounting(lab.node2, family) };
  }

  /** Leads packets of the client to an address another way. */
  async function routed(family: Family, address: string, way: readonly string[], during: () => Promise<void>): Promise<void> {
    const ip = (verb: string): Promise<string> =>
      mustRun(lab.outside, 'ip', family === 'IPv4' ? '-4' : '-6', 'route', verb, address, ...way);
    await ip('add');
    await during();
    await ip('del');
  }

  for (const method of methods) {
    test(`${method}: both nodes are set to it`, async () => {
      for (const node of cluster.nodes)
        await mustRun(node, 'sh', '-c', `echo ${filters[method]} >/proc/sys/net/ipv4/conf/all/rp_filter`);
      await cluster.switchTo({ config: configOf(variant), flags: flagsFor(method) });
      expect(cluster.output).not.toMatch(/WP_INGRESS|no direct return/);
    });

    test(`[INGRESS-32] [INGRESS-33] [INGRESS-36] ${method}: the other node answers the client, past the node that was asked`, async () => {
      const one = published(`far-${method}`, 1);
      await cluster.put([one.object, ...slices(one.name, [ready('q1')])]);
      for (const family of families) {
        const { first, second } = await countBoth(one, family, async () => {
          for (const protocol of ['TCP', 'UDP'] as const) {
            const attempts = await lab.outside.connect(target(one.loadBalancerIp, 80, family, protocol), 4);
            for (const { verdict, answer } of attempts)
              expect([family, protocol, verdict, answer?.backend, answer?.source]).toEqual([
                family,
                protocol,
                'answered',
                'q1',
                lab.outside.addresses[family],
              ]);
          }
        });
        // Two packets of each connection at least, and one of each exchange of datagrams.
        expect(first.requests).toBeGreaterThanOrEqual(4 * 2 + 4);
        expect(first.replies).toBe(0);
        expect(second.replies).toBeGreaterThanOrEqual(4 * 2 + 4);
        expect([second.sentOn, second.tunnelsOut]).toEqual([0, 0]);
        const { requests, sentOn, tunnelsOut } = first;
        expect({ sentOn, tunnelsOut, unpacked: second.unpacked }).toEqual(
          method === 'dr'
            ? { sentOn: requests, tunnelsOut: 0, unpacked: 0 }
            : { sentOn: 0, tunnelsOut: requests, unpacked: requests },
        );
      }
    });

    test(`[INGRESS-33] [INGRESS-34] ${method}: either node takes clients, serves with back ends of both, and sends on nothing twice`, async () => {
      const one = published(`both-${method}`, 2);
      await cluster.put([one.object, ...slices(one.name, [ready('p1'), ready('q1'), ready('q2')])]);
      const everybody = async (family: Family): Promise<void> => {
        const names = backendsOf(await lab.outside.connect(target(one.loadBalancerIp, 80, family), 24));
        expect(new Set(names)).toEqual(new Set(['p1', 'q1', 'q2']));
      };
      for (const family of families) {
        const { first, second } = await countBoth(one, family, () => everybody(family));
        expect(first.sentOn + first.tunnelsOut).toBeGreaterThan(0);
        expect([second.sentOn, second.tunnelsOut]).toEqual([0, 0]);
        const way = ['via', lab.node2.addresses[family]];
        const back = await countBoth(one, family, () => routed(family, addressOf(one, family), way, () => everybody(family)));
        expect(back.second.sentOn + back.second.tunnelsOut).toBeGreaterThan(0);
        expect([back.first.sentOn, back.first.tunnelsOut]).toEqual([0, 0]);
      }
    });

    test(`[INGRESS-37] ${method}: a megabyte goes either way, in segments that fit`, async () => {
      const one = published(`bulk-${method}`, 3, [{ name: 'tcp', protocol: 'TCP', port: bulkPort }]);
      const ports = [{ name: 'tcp', protocol: 'TCP', port: bulkPort }] as const;
      await cluster.put([one.object, ...slices(one.name, [ready('q1')], { ports })]);
      for (const family of families) {
        const fetched = async (): Promise<void> => {
          const octets = await fetchBulk(lab.outside, addressOf(one, family), bulkPort, megabyte);
          expect([family, octets]).toEqual([family, megabyte]);
        };
        const { first, second } = await countBoth(one, family, fetched, segments[method][family]);
        expect(first.replies).toBe(0);
        expect([second.clamped, second.beginnings]).toEqual([1, 1]);
      }
    });

    test(`[INGRESS-35] ${method}: what comes through a tunnel from nobody’s node is not taken`, async () => {
      const one = published(`spoofed-${method}`, 4);
      await cluster.put([one.object, ...slices(one.name, [ready('q1')])]);
      for (const family of families) {
        await mustRun(lab.outside, 'sh', '-c', makeSpoof(lab, family, method));
        const { second } = await countBoth(one, family, () =>
          routed(family, addressOf(one, family), ['dev', 'spoof'], async () => {
            expect(await verdictOf(lab.outside, target(one.loadBalancerIp, 80, family))).toBe('timeout');
          }),
        );
        await mustRun(lab.outside, 'ip', 'link', 'del', 'spoof');
        expect(second.tunnelsIn).toBeGreaterThan(0);
        expect([second.unpacked, second.replies]).toEqual([0, 0]);
      }
    });
  }

  const tunnelsOf = (node: Place): Promise<string> =>
    mustRun(node, 'sh', '-c', 'ip -o link; ip fou show 2>/dev/null; ip -6 fou show 2>/dev/null; true');

  test('[INGRESS-54] without direct return its tunnels go, and those of others stay', async () => {
    const filter = 'cat /proc/sys/net/ipv4/conf/all/rp_filter /proc/sys/net/ipv4/conf/eth0/rp_filter';
    const before = await mustRun(lab.node1, 'sh', '-c', filter);
    await mustRun(lab.node1, 'ip', 'link', 'add', 'others', 'type', 'ipip', 'local', '192.0.2.11', 'remote', '192.0.2.77');
    if (hasGue) await mustRun(lab.node1, 'ip', 'fou', 'add', 'port', '7070', 'gue');
    for (const node of cluster.nodes) expect(await tunnelsOf(node)).toMatch(hasGue ? /waypost4[^]*6080/ : /waypost4/);
    await cluster.switchTo({ config: configOf(variant), flags: flagsFor(null) });
    for (const node of cluster.nodes) await waitGone(node);
    expect(await tunnelsOf(lab.node1)).toMatch(hasGue ? /others[^]*7070/ : /others/);
    expect(await mustRun(lab.node1, 'sh', '-c', filter)).toBe(before);
  });

  test('[INGRESS-54] cleanup removes the tunnels, and those of others stay', async () => {
    await cluster.switchTo({ config: configOf(variant), flags: flagsFor(lastMethod) });
    await pollUntil('the tunnels to come', async () => ((await tunnelsOf(lab.node1)).includes('waypost6') ? true : null), {
      timeoutMs: 20_000,
    });
    await cluster.stop();
    const cleaned = await mustRun(lab.node1, launcher, 'cleanup');
    const objects = [...(hasGue ? ['UDP port 6080 of tunnels'] : []), 'interface waypost4', 'interface waypost6'];
    for (const object of objects) expect(cleaned).toContain(`  ${object}\n`);
    await waitGone(lab.node1);
    expect(await tunnelsOf(lab.node1)).toMatch(hasGue ? /others[^]*7070/ : /others/);
    expect(await tunnelsOf(lab.node2)).toContain('waypost4');
  });

  async function waitGone(node: Place): Promise<void> {
    const gone = async (): Promise<true | null> => (/waypost[46]|6080/.test(await tunnelsOf(node)) ? null : true);
    await pollUntil(`the tunnels of ${node.name} to go`, gone, { timeoutMs: 20_000 });
  }
});

/** A tunnel of the outside client's to node2. */
function makeSpoof({ outside, node2 }: Lab, family: Family, method: DirectReturnMethod): string {
  const kind = family === 'IPv4' ? 'ipip' : 'ip6tnl mode ip6ip6';
  const udp = method === 'gue' ? ' encap gue encap-sport auto encap-dport 6080' : '';
  const ends = `local ${outside.addresses[family]} remote ${node2.addresses[family]}`;
  return `ip link add spoof type ${kind} ${ends}${udp} && ip link set spoof up`;
}
