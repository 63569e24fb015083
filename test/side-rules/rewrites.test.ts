import { afterAll, beforeAll, expect, it } from 'vitest';
import { canMakeNamespaces, kernelFamilies, listenOnAll } from '../lab/mod.ts';
import type { Attempt, SocketProtocol } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import type { Address, ClientClass, Family, SideEntry } from '../../src/model/mod.ts';
import { sendCrafted } from './crafted.ts';
import { decide, SideLab, worlds } from './side-lab.ts';

const protocols: readonly SocketProtocol[] = ['TCP', 'UDP'];
const clients = ['c1', 'outside', 'node1'] as const;
const everyone: readonly ClientClass[] = ['pod', 'node', 'outside'];
const can = await canMakeNamespaces();

describeWhere(can, 'ports that side rules rewrite, and segments that they make smaller', () => {
  let lab: SideLab;

  beforeAll(async () => {
    lab = await SideLab.open();
    await lab.lab.place('p1').listen(listenOnAll([8080, 8081]));
    // A wildcard socket of UDP would answer from the node's own address.
    await lab.run('sysctl', ['-qw', 'net.ipv6.ip_nonlocal_bind=1']);
    await lab.node.listen([
      { protocol: 'TCP', address: '::', port: 8080 },
      ...kernelFamilies().map((family) => ({ protocol: 'UDP', address: worlds[family].vip, port: 8080 }) as const),
    ]);
  });

  afterAll(async () => {
    await lab.close();
  });

  const rewrite = (to: Address, port: number, target: number, direct = false): readonly SideEntry[] =>
    protocols.map((protocol) => ({ kind: 'rewrite', address: to, protocol, port, to: target, direct }));

  /** A balancer that knows the new ports alone: translates their address to a pod's. */
  const balance = async (family: Family): Promise<void> => {
    const { vip, table } = worlds[family];
    const pod = lab.lab.place('p1').addresses[family];
    const word = family === 'IPv4' ? 'ip' : 'ip6';
    const rules = protocols
      .map((protocol) => `${word} daddr ${vip} ${protocol.toLowerCase()} dport { 8080, 8081 } dnat to ${pod};`)
      .join(' ');
    await lab.run(
      'nft',
      ['-f', '-'],
      `table ${table} balancer {
        chain pre { type nat hook prerouting priority -100; ${rules} }
        chain out { type nat hook output priority -100; ${rules} }
      }\n`,
    );
  };
  const unbalance = (family: Family): Promise<string> => lab.run('nft', ['delete', 'table', worlds[family].table, 'balancer']);

  const tryAll = async (family: Family, to: string, port: number, protocol: SocketProtocol): Promise<readonly string[]> => {
    const attempts = await Promise.all(
      clients.map((from) => lab.try(family, lab.lab.place(from), { address: to, port, protocol })),
    );
    return attempts.map(({ verdict, answer }: Attempt) => answer?.backend ?? verdict);
  };

  for (const family of kernelFamilies()) {
    const { vip, external, table, serviceRange } = worlds[family];
    const guarded: SideEntry = { kind: 'protected', prefix: serviceRange };

    it(`[INGRESS-12] ${family}: a client asks one port and the balancer sees the other, which nobody may ask itself`, async () => {
      await lab.give(family, [guarded, ...rewrite(vip, 80, 8080)]);
      await balance(family);
      try {
        for (const protocol of protocols) {
          expect(await tryAll(family, vip, 80, protocol)).toEqual(['p1', 'p1', 'p1']);
          expect(await tryAll(family, vip, 8080, protocol)).toEqual(['refused', 'refused', 'refused']);
        }
        // Other ports and other addresses are left alone.
        expect(await tryAll(family, vip, 8081, 'TCP')).toEqual(['p1', 'p1', 'p1']);
        expect(await tryAll(family, lab.node.addresses[family], 8080, 'TCP')).toEqual(['node1', 'node1', 'node1']);
        // A port that others are rewritten to and that is rewritten itself.
        await lab.change(family, [...rewrite(vip, 80, 8080, true), ...rewrite(vip, 8080, 8081)], []);
        await lab.lab.flushConntrack();
        for (const protocol of protocols) {
          expect(await tryAll(family, vip, 80, protocol)).toEqual(['p1', 'p1', 'p1']);
          expect(await tryAll(family, vip, 8080, protocol)).toEqual(['p1', 'p1', 'p1']);
          expect(await tryAll(family, vip, 8081, protocol)).toEqual(['refused', 'refused', 'refused']);
        }
      } finally {
        await unbalance(family);
      }
    });

    it(`[INGRESS-12] ${family}: ports are rewritten without connection tracking too`, async () => {
      await lab.give(family, rewrite(vip, 80, 8080));
      await lab.run(
        'nft',
        ['-f', '-'],
        `table ${table} balancer {
          chain pre { type filter hook prerouting priority -310; notrack; }
          chain out { type filter hook output priority -360; notrack; }
        }\n`,
      );
      try {
        for (const protocol of protocols) {
          expect(await tryAll(family, vip, 80, protocol)).toEqual(['node1', 'node1', 'node1']);
          expect(await tryAll(family, vip, 8080, protocol)).toEqual(['refused', 'refused', 'refused']);
        }
      } finally {
        await unbalance(family);
      }
    });

    it(`${family}: captured addresses get the decision of the new port, and refuse it at the door`, async () => {
      await lab.give(family, [
        { kind: 'lane', mark: 0x101, masquerade: false },
        ...protocols.map((protocol): SideEntry => ({ kind: 'capture', address: external, protocol, port: 8080 })),
        ...protocols.flatMap((protocol) =>
          decide(everyone, { address: external, port: 8080, protocol }, { verdict: 'mark', mark: 0x101 }),
        ),
        ...rewrite(external, 80, 8080),
      ]);
      for (const protocol of protocols) {
        for (const from of clients) {
          await lab.takeMarks(family, 8080);
          await lab.try(family, lab.lab.place(from), { address: external, port: 80, protocol, timeoutMs: 300 });
          expect({ from, marks: await lab.takeMarks(family, 8080) }).toEqual({ from, marks: [0x101] });
        }
        expect(await tryAll(family, external, 8080, protocol)).toEqual(['refused', 'refused', 'refused']);
      }
      expect(await lab.takeMarks(family, 80)).toEqual([]);
    });

    it(`${family}: addresses that are clamped announce smaller segments, never larger ones`, async () => {
      await balance(family);
      const segments = async (entries: readonly SideEntry[]): Promise<number> => {
        await lab.give(family, [...rewrite(vip, 80, 8080), ...entries]);
        const client = lab.lab.outside;
        const target = { family, protocol: 'TCP', destination: vip, port: 80, timeoutMs: 1000 } as const;
        const { connection, attempt } = await client.ask({ op: 'open', ...target });
        expect(attempt.verdict).toBe('answered');
        const { stdout } = await client.exec('ss', ['-tin', 'dst', family === 'IPv4' ? vip : `[${vip}]`]);
        await client.ask({ op: 'close', connection });
        const size = Number(/\bmss:(\d+)/.exec(stdout)?.[1]);
        // Timestamps take twelve octets of each segment (RFC 7323).
        return size + 12;
      };
      const headers = family === 'IPv4' ? 40 : 60;
      const route = [family === 'IPv4' ? '-4' : '-6', 'route'];
      const slow = [lab.lab.outside.addresses[family], 'dev', 'eth0', 'mtu', '1350'];
      try {
        expect(await segments([])).toBe(1500 - headers);
        expect(await segments([{ kind: 'clamp', address: vip, size: 1200 }])).toBe(1200);
        expect(await segments([{ kind: 'clamp', address: vip, size: 9000 }])).toBe(1500 - headers);
        expect(await segments([{ kind: 'clamp', address: external, size: 1200 }])).toBe(1500 - headers);
        await lab.run('ip', [...route, 'add', ...slow]);
        expect(await segments([])).toBe(1500 - headers);
        expect(await segments([{ kind: 'clamp', address: vip, size: null }])).toBe(1350 - headers);
        await lab.run('ip', [...route, 'del', ...slow]);
      } finally {
        await unbalance(family);
      }
    });
  }

  it('datagrams without a checksum are rewritten and stay without one', async () => {
    const { vip } = worlds.IPv4;
    await lab.give('IPv4', rewrite(vip, 80, 8080));
    for (const from of clients) {
      const packet = {
        family: 'IPv4',
        protocol: 'UDP',
        destination: vip,
        port: 80,
        payload: 'x',
        withoutChecksum: true,
      } as const;
      expect(await sendCrafted(lab.lab.place(from), packet)).toContain('node1');
    }
  });
});
