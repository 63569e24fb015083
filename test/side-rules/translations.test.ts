import { afterAll, beforeAll, expect, it } from 'vitest';
import { canMakeNamespaces, kernelFamilies, listenOnAll, secondNodeAddress } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { address, settingsFor, SideLab, worlds } from './side-lab.ts';

const can = await canMakeNamespaces();

describeWhere(can, 'what side rules translate', () => {
  let lab: SideLab;

  beforeAll(async () => {
    lab = await SideLab.open();
    for (const pod of ['p1', 'q1']) await lab.lab.place(pod).listen(listenOnAll([8080]));
    await lab.run('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1']);
  });

  afterAll(async () => {
    await lab.close();
  });

  for (const family of kernelFamilies()) {
    const { vip, table } = worlds[family];
    const client = secondNodeAddress[family];

    // What the balancer itself sends on is for tests of IPVS: its packets have met connection tracking before OUTPUT -350.
    it(`${family}: what asks for masquerade behind the balancer gets the node's address, a mark alone does not, none leaks`, async () => {
      await lab.give(family, []);
      const target = { address: lab.lab.place('q1').addresses[family], port: 8080, source: client };
      for (const [priority, mark, seen, left] of [
        ['-300', '0x00004000', lab.node.addresses[family], '0x00000000'],
        ['-300', '0x57000010', client, '0x00000000'],
        ['-400', '0x57800010', client, '0x00000000'],
        ['-400', '0xabcd0000', client, '0xabcd0000'],
      ] as const) {
        const probe = `table ${table} balancer {
          set left { type mark; flags dynamic; size 1000; }
          chain out { type filter hook output priority ${priority}; tcp dport 8080 meta mark set ${mark}; }
          chain post { type filter hook postrouting priority 350; tcp dport 8080 update @left { meta mark }; }
        }\n`;
        await lab.run('nft', ['-f', '-'], probe);
        try {
          const attempt = await lab.try(family, lab.node, target);
          expect(attempt.answer?.source).toBe(seen);
          const text = await lab.run('nft', ['list', 'set', table, 'balancer', 'left']);
          expect(text.match(/0x[0-9a-f]{8}/g)).toEqual([left]);
        } finally {
          await lab.run('nft', ['delete', 'table', table, 'balancer']);
        }
      }
    });

    it(`${family}: a pod that is balanced to itself gets another source, no other flow does`, async () => {
      const pod = lab.lab.place('p1');
      const bracketed = family === 'IPv4' ? pod.addresses[family] : `[${pod.addresses[family]}]`;
      const word = family === 'IPv4' ? 'ip' : 'ip6';
      const balancer = `table ${table} balancer { chain pre { type nat hook prerouting priority -100; ${word} daddr ${vip} tcp dport 80 dnat to ${bracketed}:8080; }; }\n`;
      await lab.run('nft', ['-f', '-'], balancer);
      try {
        await lab.give(family, [{ kind: 'hairpin', address: address(pod.addresses[family]) }]);
        const own = await lab.try(family, pod, { address: vip, port: 80 });
        expect(own).toMatchObject({ verdict: 'answered', answer: { backend: 'p1' } });
        expect(own.answer?.source).not.toBe(pod.addresses[family]);
        const other = await lab.try(family, lab.lab.place('c1'), { address: vip, port: 80 });
        expect(other.answer).toMatchObject({ backend: 'p1', source: lab.lab.place('c1').addresses[family] });
        await lab.give(family, []);
        expect((await lab.try(family, pod, { address: vip, port: 80 })).verdict).not.toBe('answered');
      } finally {
        await lab.run('nft', ['delete', 'table', table, 'balancer']);
      }
    });
  }

  it('[IPVS-40] node ports on 127.0.0.1 lead to back ends where there is an entry, and are refused where it has no target', async () => {
    const targets = ['p1', 'q1'].map((name) => ({ address: address(lab.lab.place(name).addresses.IPv4), port: 8080 }));
    const settings = settingsFor('IPv4', { nodePorts: { kind: 'all-local', loopback: true } });
    await lab.give(
      'IPv4',
      [
        { kind: 'loopback', protocol: 'TCP', port: 30080, targets },
        { kind: 'loopback', protocol: 'UDP', port: 30080, targets: targets.slice(0, 1) },
        { kind: 'loopback', protocol: 'TCP', port: 30081, targets: [] },
      ],
      settings,
    );
    const seen = new Set<string>();
    for (let round = 0; round < 20; round += 1) {
      const { answer } = await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30080 });
      expect(answer?.source).toBe(lab.node.addresses.IPv4);
      seen.add(answer?.backend ?? '');
    }
    expect([...seen].toSorted()).toEqual(['p1', 'q1']);
    const datagram = await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30080, protocol: 'UDP' });
    expect(datagram.answer?.backend).toBe('p1');
    expect((await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30081 })).verdict).toBe('refused');
    await lab.give('IPv4', []);
    expect((await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30080 })).verdict).toBe('refused');
  });

  it('a refused loopback port is refused even where a socket listens', async () => {
    await lab.node.listen([{ protocol: 'TCP', address: '127.0.0.1', port: 30082 }]);
    await lab.give('IPv4', []);
    expect((await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30082 })).verdict).toBe('answered');
    await lab.give('IPv4', [{ kind: 'loopback', protocol: 'TCP', port: 30082, targets: [] }]);
    expect((await lab.try('IPv4', lab.node, { address: '127.0.0.1', port: 30082 })).verdict).toBe('refused');
  });

  it('nobody on the wire reaches the loopback addresses of the node', async () => {
    const target = { address: '127.0.0.1', port: 30083, timeoutMs: 300 };
    await lab.give('IPv4', []);
    await lab.try('IPv4', lab.lab.outside, target);
    expect(await lab.takeMarks('IPv4', 30083)).toEqual([]);
    // Without the side rules the kernel's setting lets it in, so it did come so far.
    await lab.side('IPv4').cleanup();
    await lab.try('IPv4', lab.lab.outside, target);
    expect(await lab.takeMarks('IPv4', 30083)).toEqual([0]);
  });
});
