import { afterAll, beforeAll, expect, test } from 'vitest';
import { canMakeNamespaces } from './capability.ts';
import { describeWhere } from './describe-lab.ts';
import { listNamespaces } from './driver-netns.ts';
import { createLab } from './lab.ts';
import type { Lab } from './lab.ts';
import { listenOnAll } from './place.ts';
import { pollUntil } from './poll.ts';
import type { Attempt, SocketProtocol } from './resident/protocol.ts';
import type { Family } from '../../src/model/mod.ts';

const both = [
  ['IPv4', 'TCP'],
  ['IPv4', 'UDP'],
  ['IPv6', 'TCP'],
  ['IPv6', 'UDP'],
] as const satisfies readonly (readonly [Family, SocketProtocol])[];

const clusterIp = { IPv4: '10.96.0.1', IPv6: 'fd00:10:96::1' };
const external = { IPv4: '198.51.100.1', IPv6: '2001:db8:100::1' };

/** Hand-made rules that do what a data plane would: one back end, a refused port, a dropped port, masquerade where due. */
function handMadeRules(family: Family): string {
  const service = clusterIp[family];
  const backend = { IPv4: '10.244.1.11:8080', IPv6: '[fd00:10:244:1::11]:8080' }[family];
  const pods = { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' }[family];
  const self = { IPv4: '10.244.1.11', IPv6: 'fd00:10:244:1::11' }[family];
  const refuse = { IPv4: 'icmp-port-unreachable', IPv6: 'icmp6-port-unreachable' }[family];
  return `*nat
${forEachProtocol((protocol) => `-A PREROUTING -d ${service} -p ${protocol} --dport 80 -j DNAT --to-destination ${backend}`)}
${forEachProtocol((protocol) => `-A OUTPUT -d ${service} -p ${protocol} --dport 80 -j DNAT --to-destination ${backend}`)}
-A POSTROUTING -s ${self} -d ${self} -j MASQUERADE
-A POSTROUTING ! -s ${pods} -m conntrack --ctstate DNAT -j MASQUERADE
COMMIT
*filter
${forEachProtocol((protocol) => `-A FORWARD -d ${service} -p ${protocol} --dport 81 -j REJECT --reject-with ${refuse}`)}
${forEachProtocol((protocol) => `-A OUTPUT -d ${service} -p ${protocol} --dport 81 -j REJECT --reject-with ${refuse}`)}
${forEachProtocol((protocol) => `-A FORWARD -d ${service} -p ${protocol} --dport 82 -j DROP`)}
${forEachProtocol((protocol) => `-A OUTPUT -d ${service} -p ${protocol} --dport 82 -j DROP`)}
COMMIT
`;
}

function forEachProtocol(rule: (protocol: string) => string): string {
  return ['tcp', 'udp'].map(rule).join('\n');
}

describeWhere(await canMakeNamespaces(), 'the lab', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    for (const family of lab.families) {
      const tool = family === 'IPv4' ? 'iptables-nft-restore' : 'ip6tables-nft-restore';
      // oxlint-disable-next-line no-await-in-loop
      const { code, stderr } = await lab.node1.exec(tool, ['--noflush'], handMadeRules(family));
      if (code !== 0) throw new Error(`${tool}: ${stderr}`);
    }
    await lab.place('p1').listen(listenOnAll([8080]));
    await lab.place('q1').listen(listenOnAll([8080]));
  });

  afterAll(() => lab?.close());

  async function ask(
    from: string,
    family: Family,
    protocol: SocketProtocol,
    destination: string,
    port: number,
  ): Promise<Attempt> {
    const [attempt] = await lab.place(from).connect({ family, protocol, destination, port, timeoutMs: port === 82 ? 300 : 4000 });
    if (attempt === undefined) throw new Error('no attempt came back');
    return attempt;
  }

  test.each(both)('hosts of all kinds reach pods on both nodes and are seen as themselves: %s %s', async (family, protocol) => {
    for (const from of ['c1', 'q2', 'node1', 'node2', 'outside', 'gateway', 'p1'])
      for (const to of ['p1', 'q1']) {
        // oxlint-disable-next-line no-await-in-loop
        const attempt = await ask(from, family, protocol, lab.place(to).addresses[family], 8080);
        expect([from, to, attempt.answer?.backend, attempt.answer?.source]).toEqual([
          from,
          to,
          to,
          lab.place(from).addresses[family],
        ]);
      }
  });

  test.each(both)('a ClusterIP made by hand is reached from pod, node and outside: %s %s', async (family, protocol) => {
    for (const [from, source] of [
      ['c1', 'c1'],
      ['node1', 'node1'],
      ['outside', 'node1'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const attempt = await ask(from, family, protocol, clusterIp[family], 80);
      expect(attempt).toMatchObject({
        verdict: 'answered',
        answer: { backend: 'p1', source: lab.place(source).addresses[family] },
      });
    }
  });

  test.each(both)('a pod that is sent back to itself passes the node and is masqueraded: %s %s', async (family, protocol) => {
    const attempt = await ask('p1', family, protocol, clusterIp[family], 80);
    expect(attempt.answer).toMatchObject({ backend: 'p1', source: lab.node1.addresses[family] });
  });

  test.each(both)('a rejected flow is seen as refused at once, a dropped one as silence: %s %s', async (family, protocol) => {
    for (const from of ['c1', 'node1', 'outside']) {
      // oxlint-disable-next-line no-await-in-loop
      const refused = await ask(from, family, protocol, clusterIp[family], 81);
      expect(refused).toMatchObject({ verdict: 'refused', code: 'ECONNREFUSED' });
      // A second more for TCP: veth and the kernel's locked sockets, see the packet runner.
      expect(refused.elapsedMs).toBeLessThan(protocol === 'TCP' ? 1900 : 900);
      // oxlint-disable-next-line no-await-in-loop
      expect((await ask(from, family, protocol, clusterIp[family], 82)).verdict).toBe('timeout');
    }
  });

  test.each(both)('what no rule captures ends at the gateway or nowhere: %s %s', async (family, protocol) => {
    await lab.gateway.listen([{ protocol, address: external[family], port: 80 }]);
    for (const from of ['c1', 'node1', 'outside']) {
      // oxlint-disable-next-line no-await-in-loop
      expect((await ask(from, family, protocol, external[family], 80)).answer?.backend).toBe('gateway');
    }
    const [lost] = await lab.place('c1').connect({ family, protocol, destination: clusterIp[family], port: 99, timeoutMs: 300 });
    expect(lost?.verdict).toBe('timeout');
  });

  test('250 connections at once are all answered', async () => {
    const target = { family: 'IPv4', protocol: 'TCP', destination: clusterIp.IPv4, port: 80, timeoutMs: 4000 } as const;
    const attempts = await lab.place('c1').connect(target, 250);
    expect(attempts.filter(({ verdict }) => verdict === 'answered')).toHaveLength(250);
  });

  test.each(['TCP', 'UDP'] as const)('a kept %s connection answers until it is closed', async (protocol) => {
    const c1 = lab.place('c1');
    const opened = await c1.ask({
      op: 'open',
      family: 'IPv4',
      protocol,
      destination: clusterIp.IPv4,
      port: 80,
      timeoutMs: 4000,
      sourcePort: 45_000,
    });
    expect(opened.attempt.answer).toMatchObject({ backend: 'p1', sourcePort: 45_000 });
    for (let round = 0; round < 3; round += 1) {
      // oxlint-disable-next-line no-await-in-loop
      const attempt = await c1.ask({ op: 'ping', connection: opened.connection, timeoutMs: 4000 });
      expect(attempt.answer).toEqual(opened.attempt.answer);
    }
    await c1.ask({ op: 'close', connection: opened.connection });
    await expect(c1.ask({ op: 'ping', connection: opened.connection, timeoutMs: 100 })).rejects.toThrow(/no connection/);
  });

  test('a load counts what it gets, and what it does not', async () => {
    const c1 = lab.place('c1');
    const target = { family: 'IPv4', protocol: 'TCP', destination: clusterIp.IPv4, timeoutMs: 200 } as const;
    const start = (port: number) => c1.ask({ op: 'start-load', ...target, port, workers: 2, pauseMs: 1 });
    const [answered, dropped] = await Promise.all([start(80), start(82)]);
    await pollUntil('both loads to have tried', async () => {
      const reports = await Promise.all([answered, dropped].map((load) => c1.ask({ op: 'report-load', load })));
      return reports.every(({ attempts }) => attempts >= 4) ? reports : null;
    });
    const good = await c1.ask({ op: 'stop-load', load: answered });
    expect(good).toMatchObject({ lost: 0, refused: 0, answered: good.attempts, byBackend: { p1: good.attempts } });
    const bad = await c1.ask({ op: 'stop-load', load: dropped });
    expect(bad).toMatchObject({ answered: 0, refused: 0, lost: bad.attempts });
    expect(bad.failures[0]).toMatchObject({ verdict: 'timeout' });
  });

  test('a command says how it ended', async () => {
    expect(await lab.node1.exec('sh', ['-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    await expect(lab.node1.exec('ip', ['link', 'show', 'nowhere'])).resolves.toMatchObject({ code: 1 });
  });

  test('a closed lab leaves no namespace and no process', async () => {
    const brief = await createLab({ podsOnNode1: ['a'], podsOnNode2: [] });
    const sleeper = brief.node1.spawn('sleep', ['1000']);
    await brief.place('a').listen(listenOnAll([8080]));
    const { namespace } = brief.node1;
    expect(listNamespaces()).toContain(namespace);
    await brief.close();
    await brief.close();
    expect(sleeper.running).toBe(false);
    expect(listNamespaces().filter((name) => name.startsWith(namespace.replace('node1', '')))).toEqual([]);
  });
});
