import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Attempt } from '../lab/mod.ts';
import { canMakeNamespaces, kernelFamilies, listenOnAll } from '../lab/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import type { ClientClass, SideEntry } from '../../src/model/mod.ts';
import { address, decide, prefix, settingsFor, SideLab, worlds } from './side-lab.ts';

const everyone: readonly ClientClass[] = ['pod', 'node', 'outside'];
const can = await canMakeNamespaces();

describeWhere(can, 'who is refused by side rules', () => {
  let lab: SideLab;

  beforeAll(async () => {
    lab = await SideLab.open();
    await lab.node.listen(listenOnAll([8080]));
    await lab.lab.place('p1').listen(listenOnAll([8081]));
  });

  afterAll(async () => {
    await lab.close();
  });

  /** From a pod, from outside and from the node itself. */
  const tryAll = async (
    family: 'IPv4' | 'IPv6',
    to: { address: string; port: number; protocol?: 'TCP' | 'UDP' },
  ): Promise<readonly Attempt['verdict'][]> => {
    const places = [lab.lab.place('c1'), lab.lab.outside, lab.node];
    const attempts = await Promise.all(places.map((from) => lab.try(family, from, to)));
    return attempts.map(({ verdict }) => verdict);
  };

  for (const family of kernelFamilies()) {
    const { vip, serviceRange } = worlds[family];

    it(`[IPVS-41] ${family}: a destination without back ends is refused at once, for every client`, async () => {
      await lab.give(family, [
        ...decide(everyone, { address: vip, port: 8080 }, { verdict: 'reject' }),
        ...decide(everyone, { address: vip, port: 8080, protocol: 'UDP' }, { verdict: 'reject' }),
      ]);
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(await tryAll(family, { address: vip, port: 8080, protocol })).toEqual(['refused', 'refused', 'refused']);
      }
      // The listener is there, and without the decision it answers.
      await lab.give(family, []);
      expect(await tryAll(family, { address: vip, port: 8080 })).toEqual(['answered', 'answered', 'answered']);
    });

    it(`${family}: a decision is for its class of clients only`, async () => {
      await lab.give(family, [
        ...decide(['outside'], { address: vip, port: 8080 }, { verdict: 'drop' }),
        ...decide(['node'], { address: vip, port: 8080 }, { verdict: 'reject' }),
      ]);
      expect(await tryAll(family, { address: vip, port: 8080 })).toEqual(['answered', 'timeout', 'refused']);
    });

    it(`${family}: connections that are open outlive a rejection`, async () => {
      await lab.give(family, []);
      const client = lab.lab.place('c1');
      const { connection } = await client.ask({
        op: 'open',
        family,
        protocol: 'TCP',
        destination: vip,
        port: 8080,
        timeoutMs: 400,
      });
      await lab.change(family, decide(everyone, { address: vip, port: 8080 }, { verdict: 'reject' }), []);
      expect((await client.ask({ op: 'ping', connection, timeoutMs: 400 })).verdict).toBe('answered');
      expect((await lab.try(family, client, { address: vip, port: 8080 })).verdict).toBe('refused');
      await client.ask({ op: 'close', connection });
    });

    it(`${family}: only listed sources may connect, whoever else asks is dropped`, async () => {
      const place = { address: vip, protocol: 'TCP', port: 8080 } as const;
      const source = (text: string): SideEntry => ({ kind: 'source', ...place, prefix: prefix(text) });
      const bits = family === 'IPv4' ? 32 : 128;
      const own = source(`${lab.node.addresses[family]}/${bits}`);
      const pods = source(`${worlds[family].podRange.address}/${worlds[family].podRange.length}`);
      const onePod = source(`${lab.lab.place('c1').addresses[family]}/${bits}`);
      await lab.give(family, [{ kind: 'restricted', ...place }, pods, onePod]);
      expect(await tryAll(family, place)).toEqual(['answered', 'timeout', 'timeout']);
      await lab.give(family, [{ kind: 'restricted', ...place }, onePod, own]);
      expect(await tryAll(family, place)).toEqual(['answered', 'timeout', 'answered']);
      await lab.give(family, [{ kind: 'restricted', ...place }, source(family === 'IPv4' ? '0.0.0.0/0' : '::/0'), own]);
      expect(await tryAll(family, place)).toEqual(['answered', 'answered', 'answered']);
      await lab.give(family, [{ kind: 'restricted', ...place }]);
      expect(await tryAll(family, place)).toEqual(['timeout', 'timeout', 'timeout']);
    });

    it(`[IPVS-31] ${family}: sockets of the node are reached on its own addresses, not on protected ones`, async () => {
      await lab.give(family, [{ kind: 'protected', prefix: serviceRange }]);
      for (const protocol of ['TCP', 'UDP'] as const) {
        expect(await tryAll(family, { address: vip, port: 8080, protocol })).toEqual(['refused', 'refused', 'refused']);
        const node = { address: lab.node.addresses[family], port: 8080, protocol };
        expect(await tryAll(family, node)).toEqual(['answered', 'answered', 'answered']);
      }
    });

    it(`[IPVS-30] ${family}: addresses of the range that nobody has are refused, any port`, async () => {
      const unused = address(family === 'IPv4' ? '10.96.77.77' : 'fd00:10:96::7777');
      await lab.give(family, [
        { kind: 'protected', prefix: serviceRange },
        { kind: 'protected', prefix: prefix(family === 'IPv4' ? '10.96.77.0/24' : 'fd00:10:96::7700/120') },
      ]);
      for (const port of [1, 8080, 65_535]) {
        expect(await tryAll(family, { address: unused, port })).toEqual(['refused', 'refused', 'refused']);
      }
      // The narrower prefix was inside the wider one and stays when that goes.
      await lab.change(family, [], [`protected/${serviceRange.address}/${serviceRange.length}`]);
      expect(await tryAll(family, { address: unused, port: 8080 })).toEqual(['refused', 'refused', 'refused']);
      expect(await tryAll(family, { address: vip, port: 8080 })).toEqual(['answered', 'answered', 'answered']);
    });

    it(`${family}: what the node itself opened from a protected address is answered`, async () => {
      await lab.give(family, [{ kind: 'protected', prefix: serviceRange }]);
      // Unlike IPv4, a socket binds to the addresses of its interfaces only.
      await lab.run('sysctl', ['-qw', 'net.ipv6.ip_nonlocal_bind=1']);
      const server = lab.lab.place('p1');
      const attempt = await lab.try(family, lab.node, { address: server.addresses[family], port: 8081, source: vip });
      expect(attempt).toMatchObject({ verdict: 'answered' });
    });

    it(`${family}: a connection in the middle, unknown to the balancer, is reset`, async () => {
      await lab.give(family, []);
      const client = lab.lab.place('c1');
      const { connection } = await client.ask({
        op: 'open',
        family,
        protocol: 'TCP',
        destination: vip,
        port: 8080,
        timeoutMs: 400,
      });
      await lab.change(family, [{ kind: 'protected', prefix: serviceRange }], []);
      const { verdict, code } = await client.ask({ op: 'ping', connection, timeoutMs: 1000 });
      expect({ verdict, code }).toEqual({ verdict: 'failed', code: 'ECONNRESET' });
      await client.ask({ op: 'close', connection });
    });

    it(`[IPVS-32] ${family}: echo requests to addresses of Services are answered or refused as configured`, async () => {
      const entries: readonly SideEntry[] = [{ kind: 'protected', prefix: serviceRange }];
      const ping = async (): Promise<{ readonly code: number | null; readonly stdout: string }> =>
        lab.lab.place('c1').exec('ping', [family === 'IPv4' ? '-4' : '-6', '-n', '-c', '1', '-W', '1', vip]);
      await lab.give(family, entries, settingsFor(family, { echo: 'answer' }));
      expect((await ping()).code).toBe(0);
      await lab.give(family, entries, settingsFor(family, { echo: 'refuse' }));
      const refused = await ping();
      expect(refused.code).toBe(1);
      expect(refused.stdout).toMatch(family === 'IPv4' ? /Packet filtered/ : /[Aa]dministratively prohibited/);
    });
  }
});
