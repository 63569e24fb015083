import { afterAll, beforeAll, expect, it } from 'vitest';
import { canMakeNamespaces, kernelFamilies, listenOnAll, secondNodeAddress } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { markOfServer } from '../../src/model/mod.ts';
import type { ClientClass, SideEntry, StickyEntry } from '../../src/model/mod.ts';
import { address, decide, settingsFor, SideLab, worlds } from './side-lab.ts';

const everyone: readonly ClientClass[] = ['pod', 'node', 'outside'];
const can = await canMakeNamespaces();

describeWhere(can, 'the marks under which side rules leave packets to the balancer', () => {
  let lab: SideLab;

  beforeAll(async () => {
    lab = await SideLab.open();
    await lab.lab.gateway.listen(listenOnAll([80, 81]));
  });

  afterAll(async () => {
    await lab.close();
  });

  for (const family of kernelFamilies()) {
    const { vip, external, table, serviceRange } = worlds[family];
    const guarded: SideEntry = { kind: 'protected', prefix: serviceRange };
    const marksFrom = async (
      place: string,
      to: { address: string; port: number; protocol?: 'TCP' | 'UDP' },
    ): Promise<readonly number[]> => {
      await lab.try(family, lab.lab.place(place), { timeoutMs: 300, ...to });
      return lab.takeMarks(family, to.port);
    };

    it(`${family}: each class of clients has its own server and lane`, async () => {
      await lab.give(family, [
        guarded,
        ...decide(['pod'], { address: vip, port: 80 }, { verdict: 'balance', server: 100, masquerade: false }),
        ...decide(['node'], { address: vip, port: 80 }, { verdict: 'balance', server: 0, masquerade: false }),
        ...decide(['outside'], { address: vip, port: 80 }, { verdict: 'balance', server: 0x3fffff, masquerade: true }),
        ...decide(everyone, { address: vip, port: 53, protocol: 'UDP' }, { verdict: 'balance', server: 101, masquerade: true }),
      ]);
      expect(await marksFrom('c1', { address: vip, port: 80 })).toEqual([markOfServer(100, false)]);
      expect(await marksFrom('outside', { address: vip, port: 80 })).toEqual([markOfServer(0x3fffff, true)]);
      // The node's packet is decided in OUTPUT, and not again when it arrives over the loopback interface.
      expect(await marksFrom('node1', { address: vip, port: 80 })).toEqual([0, markOfServer(0, false)]);
      expect(await marksFrom('c1', { address: vip, port: 53, protocol: 'UDP' })).toEqual([markOfServer(101, true)]);
    });

    it(`[IPVS-40] ${family}: node ports are those of node addresses, not of Services and not of the loopback interface`, async () => {
      const decision = { verdict: 'balance', server: 200, masquerade: true } as const;
      const mark = markOfServer(200, true);
      await lab.give(family, [guarded, ...decide(everyone, { address: null, port: 30080 }, decision)]);
      for (const place of ['c1', 'outside']) {
        for (const node of [lab.node.addresses[family], secondNodeAddress[family]]) {
          expect(await marksFrom(place, { address: node, port: 30080 })).toEqual([mark]);
        }
      }
      expect(await marksFrom('node1', { address: lab.node.addresses[family], port: 30080 })).toEqual([0, mark]);
      expect(await marksFrom('c1', { address: vip, port: 30080 })).toEqual([0]);
      expect(await marksFrom('node1', { address: vip, port: 30080 })).toEqual([0]);
      expect(await marksFrom('node1', { address: family === 'IPv4' ? '127.0.0.1' : '::1', port: 30080 })).toEqual([0]);
      // Another machine's node port is none of ours.
      expect(await marksFrom('node1', { address: lab.lab.node2.addresses[family], port: 30080 })).toEqual([0]);
    });

    it(`${family}: with listed addresses, node ports are those of no other`, async () => {
      const own = address(lab.node.addresses[family]);
      const entries = decide(everyone, { address: null, port: 30080 }, { verdict: 'balance', server: 200, masquerade: false });
      await lab.give(family, entries, settingsFor(family, { nodePorts: { kind: 'listed', addresses: [own] } }));
      expect(await marksFrom('outside', { address: own, port: 30080 })).toEqual([markOfServer(200, false)]);
      expect(await marksFrom('outside', { address: secondNodeAddress[family], port: 30080 })).toEqual([0]);
    });

    it(`${family}: pods are told by the interface where the settings say so`, async () => {
      const entries = [
        ...decide(['pod'], { address: vip, port: 80 }, { verdict: 'balance', server: 100, masquerade: false }),
        ...decide(['outside'], { address: vip, port: 80 }, { verdict: 'balance', server: 101, masquerade: false }),
      ];
      for (const [podTraffic, server] of [
        [{ kind: 'interface', name: 'pod-c1' }, 100],
        [{ kind: 'interface', name: 'pod-c' }, 101],
        [{ kind: 'interface-prefix', prefix: 'pod-' }, 100],
        [{ kind: 'none' }, 101],
      ] as const) {
        await lab.give(family, entries, settingsFor(family, { podTraffic }));
        expect(await marksFrom('c1', { address: vip, port: 80 })).toEqual([markOfServer(server, false)]);
        expect(await marksFrom('outside', { address: vip, port: 80 })).toEqual([markOfServer(101, false)]);
      }
    });

    it(`${family}: marks of others arrive untouched unless there is a decision`, async () => {
      await lab.give(family, decide(['pod'], { address: vip, port: 80 }, { verdict: 'balance', server: 100, masquerade: false }));
      await lab.run(
        'nft',
        ['-f', '-'],
        `table ${table} foreign { chain first { type filter hook prerouting priority -310; meta mark set 0xabcd0001; }; }\n`,
      );
      try {
        expect(await marksFrom('c1', { address: lab.node.addresses[family], port: 80 })).toEqual([0xabcd0001]);
        expect(await marksFrom('c1', { address: vip, port: 81 })).toEqual([0xabcd0001]);
        expect(await marksFrom('c1', { address: vip, port: 80 })).toEqual([markOfServer(100, false)]);
      } finally {
        await lab.run('nft', ['delete', 'table', table, 'foreign']);
      }
    });

    it(`${family}: only captured ports of an address are taken from their way`, async () => {
      await lab.give(family, [
        { kind: 'capture', address: external, protocol: 'TCP', port: 80 },
        ...decide(everyone, { address: external, port: 80 }, { verdict: 'balance', server: 100, masquerade: true }),
      ]);
      for (const place of ['c1', 'outside']) {
        expect((await lab.try(family, lab.lab.place(place), { address: external, port: 80 })).verdict).toBe('refused');
        expect(await lab.takeMarks(family, 80)).toEqual([markOfServer(100, true)]);
        expect((await lab.try(family, lab.lab.place(place), { address: external, port: 81 })).answer?.backend).toBe('gateway');
      }
      expect(await lab.takeMarks(family, 81)).toEqual([]);
    });

    it(`[IPVS-41] ${family}: a captured destination without back ends is refused at once, for the classes of clients that are`, async () => {
      const place = { address: external, port: 80 };
      await lab.give(family, [
        { kind: 'capture', ...place, protocol: 'TCP' },
        { kind: 'capture', ...place, protocol: 'UDP' },
        ...decide(everyone, place, { verdict: 'reject' }),
        ...decide(everyone, { ...place, protocol: 'UDP' }, { verdict: 'reject' }),
      ]);
      for (const protocol of ['TCP', 'UDP'] as const) {
        for (const from of ['c1', 'outside', 'node1']) {
          expect((await lab.try(family, lab.lab.place(from), { ...place, protocol })).verdict).toBe('refused');
        }
      }
      await lab.takeMarks(family, 80);
      await lab.change(family, decide(['pod'], place, { verdict: 'balance', server: 100, masquerade: false }), []);
      expect(await marksFrom('c1', place)).toEqual([markOfServer(100, false)]);
      expect(await marksFrom('outside', place)).toEqual([]);
    });

    it(`${family}: a packet that arrives with the capture bit is not captured by it`, async () => {
      await lab.give(family, [{ kind: 'capture', address: external, protocol: 'TCP', port: 80 }]);
      await lab.run(
        'nft',
        ['-f', '-'],
        `table ${table} foreign { chain first { type filter hook prerouting priority -310; meta mark set 0x00001001; }; }\n`,
      );
      try {
        expect((await lab.try(family, lab.lab.place('c1'), { address: external, port: 81 })).answer?.backend).toBe('gateway');
        expect(await marksFrom('c1', { address: external, port: 80 })).toEqual([1]);
        expect(await marksFrom('c1', { address: lab.node.addresses[family], port: 80 })).toEqual([1]);
      } finally {
        await lab.run('nft', ['delete', 'table', table, 'foreign']);
      }
    });

    it(`[IPVS-32] ${family}: echo requests to captured addresses are answered by this node or refused, as configured`, async () => {
      const entries: readonly SideEntry[] = [{ kind: 'capture-address', address: external }];
      const echoAddress = family === 'IPv4' ? address(lab.node.addresses.IPv4) : null;
      const answers = async (from: Place): Promise<string> => {
        const word = family === 'IPv4' ? '-4' : '-6';
        const { code, stdout } = await from.exec('ping', [word, '-n', '-c', '1', '-W', '1', external]);
        if (code === 0) return stdout.includes(`from ${external}`) ? 'answered' : stdout;
        return /filtered|prohibited/i.test(stdout) ? 'refused' : 'silence';
      };
      const range = family === 'IPv4' ? '198.51.100.0/24' : '2001:db8:100::/64';
      const [pod, outside] = [lab.lab.place('c1'), lab.lab.outside];
      // What is not captured is answered by the gateway, which has the address too.
      await lab.give(family, [], settingsFor(family, { echo: 'refuse' }));
      expect(await answers(pod)).toBe('answered');
      await lab.lab.gateway.exec('ip', ['route', 'del', 'local', range, 'dev', 'lo']);
      try {
        expect(await answers(pod)).toBe('silence');
        await lab.give(family, entries, settingsFor(family, { echo: 'answer', echoAddress }));
        for (const from of [pod, outside]) expect(await answers(from)).toBe('answered');
        // The node itself reaches what it takes for itself on arrival only where a translation leads there.
        expect(await answers(lab.node)).toBe(family === 'IPv4' ? 'answered' : 'silence');
        await lab.give(family, entries, settingsFor(family, { echo: 'refuse' }));
        for (const from of [pod, outside]) expect(await answers(from)).toBe('refused');
        expect(await answers(lab.node)).not.toBe('answered');
      } finally {
        await lab.lab.gateway.exec('ip', ['route', 'add', 'local', range, 'dev', 'lo']);
      }
    });

    it(`${family}: a sticky group keeps a client with a live server, whatever else changes`, async () => {
      const sticky = (servers: readonly number[], timeoutSeconds = 600): StickyEntry => ({
        kind: 'sticky',
        group: 40,
        timeoutSeconds,
        servers,
      });
      const many = Array.from({ length: 20 }, (_, index) => 300 + index);
      const decisions = [
        ...decide(['pod'], { address: vip, port: 80 }, { verdict: 'sticky', group: 40, masquerade: false }),
        ...decide(['pod'], { address: null, port: 30080 }, { verdict: 'sticky', group: 40, masquerade: true }),
      ];
      const pick = async (): Promise<number> => {
        const marks = await marksFrom('c1', { address: vip, port: 80 });
        expect(marks).toHaveLength(1);
        return marks[0] ?? 0;
      };
      await lab.give(family, [guarded, ...decisions, sticky(many)]);
      const first = await pick();
      for (let round = 0; round < 4; round += 1) expect(await pick()).toBe(first);
      // The other lane and another destination share the memory.
      expect(await marksFrom('c1', { address: lab.node.addresses[family], port: 30080 })).toEqual([(first | 0x800000) >>> 0]);
      // More servers, other weights, another time-out: the memory survives.
      const server = first & 0x3fffff;
      await lab.change(family, [sticky([400, 401, server, server], 900)], []);
      expect(await pick()).toBe(first);
      // The server leaves: another one is picked, and remembered.
      await lab.change(family, [sticky([400, 401, 402, 403, 404, 405])], []);
      const second = await pick();
      expect(second & 0x3fffff).toBeGreaterThanOrEqual(400);
      for (let round = 0; round < 4; round += 1) expect(await pick()).toBe(second);
      // The old one comes back: nobody is moved.
      await lab.change(family, [sticky([...many, 400, 401, 402, 403, 404, 405])], []);
      expect(await pick()).toBe(second);
    });
  }
});
