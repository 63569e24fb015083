import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll } from '../lab/mod.ts';
import type { Lab, SocketProtocol, Target } from '../lab/mod.ts';
import type { ApiObject, Destination } from './flow.ts';
import { askRepeatedly, backendsOf, createLiveCluster } from './live-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';
import { at, ready, service, slices } from './objects.ts';
import { configOf } from './variant.ts';
import type { Variant } from './variant.ts';

/** Session affinity with real packets (specification 3.6). */

const everyone = [ready('p1'), ready('p2'), ready('p3'), ready('q1'), ready('q2')];
const names = ['p1', 'p2', 'p3', 'q1', 'q2'];

function sticky(seconds: number): Readonly<Record<string, unknown>> {
  return { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: seconds } } };
}

function makeService(seconds: number, spec: Readonly<Record<string, unknown>> = {}) {
  return service('sticky', 1, { type: 'LoadBalancer', external: true, spec: { ...sticky(seconds), ...spec } });
}

const twoPorts = [
  { name: 'web', protocol: 'TCP', port: 80 },
  { name: 'admin', protocol: 'TCP', port: 81 },
] as const;

export function describeAffinity(variant: Variant): void {
  describeWhere(variant.capability, `affinity with real packets, ${variant.name}`, () => {
    let lab: Lab;
    let cluster: LiveCluster;

    beforeAll(async () => {
      lab = await createLab();
      await addClients(lab);
      await variant.prepare(lab);
      await Promise.all(names.map((name) => lab.place(name).listen(listenOnAll([8080, 9090]))));
      cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    });

    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
      await lab?.close();
    });

    function target(to: Destination, family: Family, protocol: SocketProtocol, port = 80): Omit<Target, 'timeoutMs'> {
      const destination = to.addresses[family];
      if (destination === undefined) throw new RangeError(`${to.name} has no ${family} address`);
      return { family, protocol, destination, port };
    }

    async function put(object: ApiObject, endpoints: Parameters<typeof slices>[1] = everyone): Promise<void> {
      await cluster.put([object, ...slices('sticky', endpoints)]);
    }

    test.each([
      ['IPv4', 'TCP'],
      ['IPv4', 'UDP'],
      ['IPv6', 'TCP'],
      ['IPv6', 'UDP'],
    ] as const)('[SP-80] one client meets one back end through every address: %s, %s', async (family, protocol) => {
      const one = makeService(10_800);
      await put(one.object);
      for (const from of ['c1', 'node1', 'outside']) {
        const met = new Set<string>();
        for (const to of [one.clusterIp, one.externalIp, one.loadBalancerIp]) {
          for (const name of await askRepeatedly(lab.place(from), target(to, family, protocol), 4)) met.add(name);
        }
        const nodePort = target(at.node, family, protocol, one.nodePort);
        // A process of the node sends to its own address from that address: the same client all the same.
        for (const name of await askRepeatedly(lab.place(from), nodePort, 4)) met.add(name);
        expect([from, met.size]).toEqual([from, 1]);
      }
    });

    test('[SP-81] two ports of one Service remember apart', async () => {
      const object = service('sticky', 1, { ports: twoPorts, spec: sticky(10_800) }).object;
      const ports = twoPorts.map((port) => ({ ...port, port: port.port === 80 ? 8080 : 9090 }));
      await cluster.put([object, ...slices('sticky', everyone, { ports })]);
      const { clusterIp } = makeService(1);
      // Each of 40 clients meets one back end on each port; that all 40 meet the same on both has a chance of 5^-40.
      const pairs: (readonly [string, string])[] = [];
      for (let client = 1; client <= 40; client += 1) {
        const sourceAddress = clientAddress(client);
        const [web, admin] = await Promise.all(
          [80, 81].map((port) => askRepeatedly(lab.outside, { ...target(clusterIp, 'IPv4', 'TCP', port), sourceAddress }, 3)),
        );
        expect([new Set(web).size, new Set(admin).size]).toEqual([1, 1]);
        pairs.push([web?.[0] ?? '', admin?.[0] ?? '']);
      }
      expect(pairs.some(([web, admin]) => web !== admin)).toBe(true);
    });

    test('[SP-82] it ends so many seconds after the last new connection, and each one begins them anew', async () => {
      const one = makeService(3);
      await put(one.object);
      const to = target(one.clusterIp, 'IPv4', 'TCP');
      const clients = Array.from({ length: 30 }, (_, index) => 1000 + index);
      const ask = async (): Promise<readonly string[]> => backendsOf((await connectFrom(lab, to, clients)).flat());
      const first = await ask();
      // Renewed each second for longer than the time-out lasts. The waiting is what is tested.
      for (let renewal = 0; renewal < 5; renewal += 1) {
        await pause(1000);
        expect(await ask()).toEqual(first);
      }
      await pause(4500);
      // That thirty clients meet the same again by chance happens once in 5^30.
      expect(await ask()).not.toEqual(first);
    });

    test('[SP-83] a back end that goes is replaced, once', async () => {
      const one = makeService(10_800);
      await put(one.object);
      const to = target(one.loadBalancerIp, 'IPv4', 'TCP');
      const [bound] = await askRepeatedly(lab.outside, to, 1);
      await put(
        one.object,
        everyone.filter(({ host }) => host !== bound),
      );
      const after = new Set(await askRepeatedly(lab.outside, to, 8));
      expect(after.size).toBe(1);
      expect(after).not.toContain(bound);
    });

    test('[SP-84] a changed time-out holds for the next connection and for no other Service', async () => {
      const one = makeService(10_800);
      const other = service('neighbour', 2, { spec: sticky(10_800) });
      const neighbour = [other.object, ...slices('neighbour', everyone)];
      await cluster.put([one.object, ...slices('sticky', everyone), ...neighbour]);
      const clients = Array.from({ length: 30 }, (_, index) => 2000 + index);
      const ask = async (subject: Destination): Promise<readonly string[]> =>
        backendsOf((await connectFrom(lab, target(subject, 'IPv4', 'TCP'), clients)).flat());
      const [mine, theirs] = [await ask(one.clusterIp), await ask(other.clusterIp)];
      await cluster.put([makeService(2).object, ...slices('sticky', everyone), ...neighbour]);
      const again = await ask(one.clusterIp);
      await pause(3500);
      expect(await ask(one.clusterIp)).not.toEqual(again);
      expect(await ask(other.clusterIp)).toEqual(theirs);
      expect(mine).toHaveLength(30);
    });

    test('[SP-85] it survives a crash of the agent and changes of other Services', async () => {
      const one = makeService(10_800);
      await put(one.object);
      const clients = Array.from({ length: 200 }, (_, index) => 3000 + index);
      const ask = async (): Promise<readonly string[]> =>
        backendsOf((await connectFrom(lab, target(one.externalIp, 'IPv4', 'TCP'), clients)).flat());
      const before = await ask();
      expect(new Set(before).size).toBeGreaterThan(1);
      await cluster.put([one.object, ...slices('sticky', everyone), service('more', 3, { spec: sticky(60) }).object]);
      expect(await ask()).toEqual(before);
      await cluster.restart();
      expect(await ask()).toEqual(before);
    });

    test('[SP-86] under external policy Local a client from outside stays on this node', async () => {
      const one = makeService(10_800);
      await put(one.object);
      const clients = Array.from({ length: 60 }, (_, index) => 4000 + index);
      const to = target(one.loadBalancerIp, 'IPv4', 'TCP');
      const before = backendsOf((await connectFrom(lab, to, clients)).flat());
      expect(before.some((name) => name.startsWith('q'))).toBe(true);
      await put(makeService(10_800, { externalTrafficPolicy: 'Local' }).object);
      const after = backendsOf((await connectFrom(lab, to, clients)).flat());
      expect(after.filter((name) => name.startsWith('q'))).toEqual([]);
      expect(backendsOf((await connectFrom(lab, to, clients)).flat())).toEqual(after);
    });

    test(`[SP-80] ${variant.crowd} clients of one Service keep their back ends`, async ({ skip }) => {
      const ipset = await lab.node1.exec('ipset', ['list', '-n']);
      if (variant.mode === 'iptables' && ipset.code !== 0) {
        process.stderr.write(`SKIPPED: ${variant.crowd} clients with affinity: ${ipset.stderr}\n`);
        skip(`without ipset affinity is limited to 100 clients for each back end: ${ipset.stderr}`);
      }
      const one = makeService(10_800);
      await put(one.object);
      await lab.flushConntrack();
      const clients = Array.from({ length: variant.crowd }, (_, index) => 10_000 + index);
      const to = target(one.clusterIp, 'IPv4', 'TCP');
      const first = backendsOf((await connectFrom(lab, to, clients)).flat());
      const second = backendsOf((await connectFrom(lab, to, clients)).flat());
      expect(first).toHaveLength(variant.crowd);
      expect(new Set(first)).toEqual(new Set(names));
      expect(second).toEqual(first);
    });
  });
}

/** Client number `n` (0 to 65535) of the outside machine. */
function clientAddress(n: number): string {
  return `198.18.${n >> 8}.${n & 255}`;
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544): one machine that is 65,536 clients. */
async function addClients(lab: Lab): Promise<void> {
  const results = [
    await lab.outside.exec('ip', ['route', 'add', 'local', '198.18.0.0/16', 'dev', 'lo']),
    await lab.node1.exec('ip', ['route', 'add', '198.18.0.0/16', 'via', lab.outside.addresses.IPv4]),
  ];
  for (const { code, stderr } of results) if (code !== 0) throw new Error(`no route for the clients: ${stderr}`);
}

/** One connection from each client, a hundred at a time. */
async function connectFrom(lab: Lab, to: Omit<Target, 'timeoutMs'>, clients: readonly number[]) {
  const attempts: Awaited<ReturnType<typeof lab.outside.connect>>[] = [];
  for (let at100 = 0; at100 < clients.length; at100 += 100) {
    const some = clients.slice(at100, at100 + 100);
    attempts.push(
      ...(await Promise.all(
        some.map((client) => lab.outside.connect({ timeoutMs: 8000, ...to, sourceAddress: clientAddress(client) })),
      )),
    );
  }
  return attempts;
}
