import { afterAll, beforeAll, expect, it } from 'vitest';
import { canMakeNamespaces, kernelFamilies, listenOnAll, secondNodeAddress } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import type { ClientClass, SideClient, SideDecision, SideEntry } from '../../src/model/mod.ts';
import { sendCrafted } from './crafted.ts';
import { address, decide, prefix, settingsFor, SideLab, worlds } from './side-lab.ts';

const everyone: readonly ClientClass[] = ['pod', 'node', 'outside'];
const can = await canMakeNamespaces();

const marked = (mark: number): SideDecision => ({ verdict: 'mark', mark });

describeWhere(can, 'lanes, ranges and peers in side rules', () => {
  let lab: SideLab;

  beforeAll(async () => {
    lab = await SideLab.open();
    await lab.lab.place('q1').listen(listenOnAll([8080]));
  });

  afterAll(async () => {
    await lab.close();
  });

  for (const family of kernelFamilies()) {
    const { vip, external, table, serviceRange } = worlds[family];
    const word = family === 'IPv4' ? 'ip' : 'ip6';
    const guarded: SideEntry = { kind: 'protected', prefix: serviceRange };
    const ranged = (client: SideClient, port: number, lastPort: number, decision: SideDecision, to = vip): SideEntry => ({
      kind: 'decision',
      client,
      address: to,
      protocol: 'TCP',
      port,
      lastPort,
      decision,
    });
    const marksFrom = async (place: string, port: number, to: string = vip): Promise<readonly number[]> => {
      await lab.takeMarks(family, port);
      await lab.try(family, lab.lab.place(place), { address: to, port, timeoutMs: 300 });
      return lab.takeMarks(family, port);
    };
    /** Counts packets that a rule meets, for as long as `during` takes. */
    const count = async (hook: string, rule: string, during: () => Promise<unknown>): Promise<number> => {
      await lab.run('nft', ['-f', '-'], `table ${table} counting { chain c { type filter hook ${hook}; ${rule} counter; }; }\n`);
      try {
        await during();
        const listed = await lab.run('nft', ['list', 'table', table, 'counting']);
        return Number(/packets (\d+)/.exec(listed)?.[1]);
      } finally {
        await lab.run('nft', ['delete', 'table', table, 'counting']);
      }
    };

    it(`${family}: a range of ports has one decision, and a single port inside it its own`, async () => {
      await lab.give(family, [
        guarded,
        ranged('pod', 4000, 4999, marked(0x101)),
        ranged('outside', 4000, 4999, { verdict: 'balance', server: 100, masquerade: true }),
        ranged('outside', 5000, 5001, { verdict: 'reject' }),
        ...decide(['pod'], { address: vip, port: 4500 }, marked(0x102)),
        {
          kind: 'decision',
          client: 'outside',
          address: null,
          protocol: 'TCP',
          port: 31_000,
          lastPort: 31_009,
          decision: marked(0x103),
        },
      ]);
      for (const [port, mark] of [
        [3999, 0],
        [4000, 0x101],
        [4499, 0x101],
        [4500, 0x102],
        [4999, 0x101],
        [5000, 0],
      ] as const) {
        expect({ port, marks: await marksFrom('c1', port) }).toEqual({ port, marks: [mark] });
      }
      expect(await marksFrom('outside', 4500)).toEqual([0x57800064]);
      expect(await marksFrom('outside', 5001)).toEqual([]);
      expect(await marksFrom('outside', 31_005, lab.node.addresses[family])).toEqual([0x103]);
      expect(await marksFrom('outside', 31_010, lab.node.addresses[family])).toEqual([0]);
    });

    it(`${family}: captured ranges are taken, refused at the door, and restricted to their sources`, async () => {
      const place = { address: external, protocol: 'TCP', port: 4000, lastPort: 4999 } as const;
      await lab.give(family, [
        { kind: 'capture', ...place },
        { kind: 'capture', address: external, protocol: 'TCP', port: 4500 },
        ranged('pod', 4000, 4999, { verdict: 'reject' }, external),
        ...decide(['pod'], { address: external, port: 4500 }, marked(0x102)),
        ranged('outside', 4000, 4999, marked(0x101), external),
        { kind: 'restricted', ...place },
        { kind: 'source', ...place, prefix: prefix(`${lab.lab.outside.addresses[family]}/${family === 'IPv4' ? 24 : 64}`) },
        { kind: 'restricted', address: external, protocol: 'TCP', port: 4500 },
        { kind: 'source', address: external, protocol: 'TCP', port: 4500, prefix: worlds[family].podRange },
      ]);
      expect((await lab.try(family, lab.lab.place('c1'), { address: external, port: 4001 })).verdict).toBe('refused');
      expect(await marksFrom('c1', 4500, external)).toEqual([0x102]);
      expect(await marksFrom('outside', 4001, external)).toEqual([0x101]);
      // Of the range, which outside may use, the single port is for others.
      expect(await marksFrom('outside', 4500, external)).toEqual([]);
      // What no balancer takes is refused.
      expect((await lab.try(family, lab.lab.outside, { address: external, port: 4001 })).verdict).toBe('refused');
    });

    it(`[INGRESS-22] ${family}: a process that asks for the mark of a lane reaches no server of it and gets no other source`, async () => {
      await lab.give(family, [
        guarded,
        { kind: 'lane', mark: 0x101, masquerade: false },
        { kind: 'lane', mark: 0x102, masquerade: true },
      ]);
      const server = lab.lab.place('q1').addresses[family];
      for (const [mark, left] of [
        [0x101, 0],
        [0x102, 0],
        [0x57000010, 0],
        [0x57800010, 0],
        [0xabcd0000, 0xabcd0000],
      ] as const) {
        const packet = { family, protocol: 'UDP', destination: server, port: 8080, payload: 'x', mark } as const;
        const source = secondNodeAddress[family];
        let answer = '';
        const leaving = `${word} saddr ${source} udp dport 8080 meta mark ${left}`;
        const seen = await count('postrouting priority 350', leaving, async () => {
          answer = await sendCrafted(lab.node, { ...packet, source });
        });
        expect({ mark, seen, answered: answer.includes('q1') }).toEqual({ mark, seen: 1, answered: true });
        expect(await lab.takeMarks(family, 8080)).toEqual([left]);
      }
    });

    it(`[INGRESS-20] [INGRESS-21] ${family}: marks of lanes are gone where packets leave, those of others are not touched`, async () => {
      await lab.give(family, [
        { kind: 'lane', mark: 0x101, masquerade: false },
        { kind: 'lane', mark: 0x102, masquerade: true },
      ]);
      const server = { address: lab.lab.place('q1').addresses[family], port: 8080 };
      for (const [mark, left] of [
        [0x101, 0],
        [0x102, 0],
        [0x10101, 0x10101],
        [0x8000, 0x8000],
      ] as const) {
        const balancer = `table ${table} balancer { chain f { type filter hook forward priority 99; meta mark set ${mark}; }; }\n`;
        await lab.run('nft', ['-f', '-'], balancer);
        try {
          const leaving = `${word} daddr ${server.address} tcp flags syn meta mark ${left}`;
          const seen = await count('postrouting priority 350', leaving, () => lab.try(family, lab.lab.place('c1'), server));
          expect({ mark, seen }).toEqual({ mark, seen: 1 });
        } finally {
          await lab.run('nft', ['delete', 'table', table, 'balancer']);
        }
      }
    });

    it(`[INGRESS-34] ${family}: what comes out of a tunnel is decided for peers alone, from a peer's link for peers first`, async () => {
      const own = await lab.lab.place('c1').exec('ip', ['-j', 'link', 'show', 'eth0']);
      const [device] = JSON.parse(own.stdout) as readonly { readonly address: string }[];
      const peer = (link: string | null): SideEntry => ({
        kind: 'peer',
        address: address(lab.lab.node2.addresses[family]),
        link,
      });
      const entries = [
        guarded,
        ...everyone.flatMap((client) => [ranged(client, 80, 81, marked(0x101)), ranged(client, 80, 80, marked(0x102), external)]),
        ranged('peer', 80, 80, marked(0x1f0)),
        ranged('peer', 80, 80, marked(0x1f1), external),
        { kind: 'capture', address: external, protocol: 'TCP', port: 80 } as const,
      ];
      await lab.give(family, [...entries, peer(null)]);
      expect([await marksFrom('c1', 80), await marksFrom('c1', 81)]).toEqual([[0x101], [0x101]]);
      await lab.give(family, [...entries, peer(device?.address ?? '')]);
      // A node's own traffic comes from its link too.
      expect([await marksFrom('c1', 80), await marksFrom('c1', 81)]).toEqual([[0x1f0], [0x101]]);
      expect(await marksFrom('c1', 80, external)).toEqual([0x1f1]);
      expect(await marksFrom('outside', 80)).toEqual([0x101]);
      await lab.give(family, [...entries, peer(null)], settingsFor(family, { tunnelDevices: ['pod-c1'] }));
      expect([await marksFrom('c1', 80), await marksFrom('c1', 81)]).toEqual([[0x1f0], [0]]);
      expect(await marksFrom('outside', 80)).toEqual([0x101]);
    });

    it(`${family}: peers are captured like others, and refused for what is refused to peers`, async () => {
      const place = { address: external, protocol: 'TCP', port: 80 } as const;
      const settings = settingsFor(family, { tunnelDevices: ['pod-c1'] });
      const capture: SideEntry = { kind: 'capture', ...place };
      const peer: SideEntry = { kind: 'decision', client: 'peer', ...place, decision: marked(0x1f0) };
      await lab.give(family, [capture, ...decide(everyone, place, { verdict: 'reject' }), peer], settings);
      expect(await marksFrom('c1', 80, external)).toEqual([0x1f0]);
      expect((await lab.try(family, lab.lab.outside, place)).verdict).toBe('refused');
      expect(await lab.takeMarks(family, 80)).toEqual([]);
      await lab.give(
        family,
        [capture, ...decide(everyone, place, marked(0x101)), { ...peer, decision: { verdict: 'reject' } }],
        settings,
      );
      expect((await lab.try(family, lab.lab.place('c1'), place)).verdict).toBe('refused');
      expect(await lab.takeMarks(family, 80)).toEqual([]);
      expect(await marksFrom('outside', 80, external)).toEqual([0x101]);
    });

    it(`${family}: what a peer sends on has its new port and is not refused for it`, async () => {
      const rewrite: SideEntry = { kind: 'rewrite', address: vip, protocol: 'TCP', port: 80, to: 8080, direct: false };
      const entries = [guarded, rewrite, ...decide(everyone, { address: vip, port: 8080 }, marked(0x101))];
      const peer: SideEntry = {
        kind: 'decision',
        client: 'peer',
        address: vip,
        protocol: 'TCP',
        port: 8080,
        decision: marked(0x1f0),
      };
      await lab.give(family, [...entries, peer], settingsFor(family, { tunnelDevices: ['pod-c1'] }));
      expect(await marksFrom('c1', 8080)).toEqual([0x1f0]);
      await lab.try(family, lab.lab.outside, { address: vip, port: 80, timeoutMs: 300 });
      expect(await lab.takeMarks(family, 8080)).toEqual([0x101]);
      expect(await marksFrom('outside', 8080)).toEqual([]);
    });

    it(`[INGRESS-35] ${family}: tunnels end here for peers only`, async () => {
      const sender = lab.lab.outside.addresses[family];
      const arrivals = (protocol: 'UDP' | number, destination: string): Promise<number> =>
        count(
          'prerouting priority -290',
          `${word} saddr ${sender} ${protocol === 'UDP' ? 'udp dport 6080' : `meta l4proto ${protocol}`}`,
          () => sendCrafted(lab.lab.outside, { family, protocol, destination, port: 6080, payload: 'inner' }),
        );
      const settings = settingsFor(family, { tunnelProtocols: [{ protocol: 4 }, { protocol: 41 }, { udpPort: 6080 }] });
      const peer = (text: string): SideEntry => ({ kind: 'peer', address: address(text), link: null });
      const here = lab.node.addresses[family];
      for (const protocol of [4, 41, 'UDP'] as const) {
        await lab.give(family, [peer(lab.lab.node2.addresses[family])], settings);
        expect({ protocol, arrived: await arrivals(protocol, here) }).toEqual({ protocol, arrived: 0 });
        // What only passes through this node is somebody else's tunnel.
        expect({ protocol, arrived: await arrivals(protocol, lab.lab.place('c1').addresses[family]) }).toEqual({
          protocol,
          arrived: 1,
        });
        await lab.give(family, [peer(sender)], settings);
        expect({ protocol, arrived: await arrivals(protocol, here) }).toEqual({ protocol, arrived: 1 });
        await lab.give(family, []);
        expect({ protocol, arrived: await arrivals(protocol, here) }).toEqual({ protocol, arrived: 1 });
      }
    });
  }
});
