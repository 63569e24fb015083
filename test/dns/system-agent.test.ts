import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, kernelFamilies, launcher, pollUntil } from '../lab/mod.ts';
import type { Lab, Place, RunningWaypost } from '../lab/mod.ts';
import { addressesOf, ready } from '../packets/objects.ts';
import {
  brief,
  createDnsLab,
  dig,
  kubeDnsAddress,
  kubeDnsObjects,
  nodeLocalOf,
  serviceIn,
  slicesIn,
  standInAnswer,
  standInPod,
  startStandIn,
  statusOf,
  upstreamAnswer,
  upstreamPod,
} from './system-lab.ts';
import type { DnsLab } from './system-lab.ts';

const can = await canMakeNamespaces();

describeWhere(can, 'an agent that answers DNS', () => {
  let lab: Lab;
  let dns: DnsLab;
  let agent: RunningWaypost | null = null;
  let c1: Place;
  const web = serviceIn('shop', 'web', 1);
  const webAddress = addressesOf(1).cluster;
  const clusterIp = kubeDnsAddress.IPv4;

  beforeAll(async () => {
    lab = await createLab();
    c1 = lab.place('c1');
    dns = await createDnsLab(lab);
    dns.cluster.put(web, ...slicesIn('shop', 'web', [ready('p2')]));
    await startStandIn(lab.place(standInPod), standInAnswer, 1);
  });

  afterEach(async () => {
    dns.upstream.signal('SIGCONT');
    await agent?.kill();
    agent = null;
  });

  afterAll(async () => {
    await dns?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  const start = async (...args: Parameters<DnsLab['start']>): Promise<RunningWaypost> => {
    agent = await dns.start(...args);
    return agent;
  };

  test('[DNS-1][DNS-2][DNS-123] pods and the node ask the ClusterIP and the node-local address, over UDP and TCP', async () => {
    await start();
    for (const family of kernelFamilies()) {
      for (const server of [kubeDnsAddress[family], nodeLocalOf(family)]) {
        for (const tcp of [false, true]) {
          for (const place of [c1, lab.node1]) {
            // dig takes no answer that comes from another address or port than it asked.
            const own = await dig(place, server, 'web.shop.svc.cluster.local', { tcp });
            expect([place.name, server, tcp, own.records]).toEqual([place.name, server, tcp, [`30 A ${webAddress.IPv4}`]]);
            expect(own.flags).toContain('aa');
            const six = await dig(place, server, 'web.shop.svc.cluster.local', { tcp, type: 'AAAA' });
            expect(six.data).toEqual([webAddress.IPv6]);
            expect(brief(await dig(place, server, 'ok.test', { tcp }))).toBe(upstreamAnswer);
            expect(brief(await dig(place, server, 'nx.test', { tcp }))).toBe('NXDOMAIN');
            expect(brief(await dig(place, server, 'missing.shop.svc.cluster.local', { tcp }))).toBe('NXDOMAIN');
          }
        }
      }
    }
    // The name of the resolver itself is the Service that it answers for.
    expect(brief(await dig(c1, clusterIp, 'kube-dns.kube-system.svc.cluster.local'))).toBe(clusterIp);
    expect((await dig(c1, clusterIp, 'cluster.local', { type: 'NS' })).data).toEqual(['kube-dns.kube-system.svc.cluster.local.']);
  });

  test('[DNS-124] killed under load: not a question but those in its hands is lost, the DNS pod answers, and the next agent takes over', async () => {
    await start();
    const load = await dns.startLoad(c1, clusterIp, 'web.shop.svc.cluster.local');
    const seen = async (answer: string): Promise<void> => {
      await pollUntil(`answers ${answer}`, async () =>
        brief(await dig(c1, clusterIp, 'web.shop.svc.cluster.local')) === answer ? true : null,
      );
    };
    await seen(webAddress.IPv4);
    await agent?.kill();
    expect(brief(await dig(c1, clusterIp, 'web.shop.svc.cluster.local'))).toBe(standInAnswer);
    expect(brief(await dig(lab.node1, clusterIp, 'web.shop.svc.cluster.local', { tcp: true }))).toBe(standInAnswer);
    await start();
    await seen(webAddress.IPv4);
    const { asked, lost, byAnswer } = await load.stop();
    expect(Object.keys(byAnswer).toSorted()).toEqual([webAddress.IPv4, standInAnswer].toSorted());
    expect(asked).toBeGreaterThan(200);
    // What was in the sockets of the process when it was killed dies with it.
    expect(lost).toBeLessThanOrEqual(40);
  });

  test('[DNS-120][DNS-124] ended in order: it answers on for the lame duck, is not ready, and no question is lost', async () => {
    const running = await start();
    expect([await statusOf(lab.node1, 8181, '/ready'), await statusOf(lab.node1, 8080, '/health')]).toEqual([200, 200]);
    const load = await dns.startLoad(c1, clusterIp, 'web.shop.svc.cluster.local');
    await pollUntil('an answer', async () =>
      brief(await dig(c1, clusterIp, 'web.shop.svc.cluster.local')) === webAddress.IPv4 ? true : null,
    );
    running.process.signal('SIGTERM');
    await pollUntil('/ready to be 503', async () => ((await statusOf(lab.node1, 8181, '/ready')) === 503 ? true : null), {
      everyMs: 5,
    });
    expect(await statusOf(lab.node1, 8080, '/health')).toBe(200);
    // Who asks its address still gets answers, who asks the Service goes the ordinary way.
    expect(brief(await dig(c1, nodeLocalOf('IPv4'), 'web.shop.svc.cluster.local'))).toBe(webAddress.IPv4);
    await pollUntil('the DNS pod', async () =>
      brief(await dig(c1, clusterIp, 'web.shop.svc.cluster.local')) === standInAnswer ? true : null,
    );
    expect(await running.process.exited).toBe(0);
    const { lost, byAnswer } = await load.stop();
    expect({ lost, ...byAnswer }).toEqual({
      lost: 0,
      [webAddress.IPv4]: expect.any(Number) as number,
      [standInAnswer]: expect.any(Number) as number,
    });
  });

  test('[DNS-116][DNS-120] before the API server is there: not ready, names of the cluster SERVFAIL, all others as ever; then ready', async () => {
    await dns.cluster.disconnect();
    agent = await dns.launch();
    const server = nodeLocalOf('IPv4');
    const answerOf = async (name: string, type = 'A'): Promise<string> => brief(await dig(c1, server, name, { type, time: 1 }));
    // It waits for a while whether the cluster comes to be known, and then serves what it can.
    await pollUntil('an answer', async () => ((await answerOf('ok.test')) === upstreamAnswer ? true : null), {
      timeoutMs: 30_000,
      explain: () => agent?.process.output ?? '',
    });
    const pages = async (): Promise<readonly unknown[]> =>
      Promise.all([lab.node1.get('http://127.0.0.1:8181/ready'), lab.node1.get('http://127.0.0.1:8080/health')]);
    expect(await pages()).toMatchObject([
      { status: 503, body: 'kubernetes' },
      { status: 200, body: 'OK' },
    ]);
    expect(await answerOf('web.shop.svc.cluster.local')).toBe('SERVFAIL');
    expect(await answerOf('missing.nowhere.svc.cluster.local')).toBe('SERVFAIL');
    expect(await answerOf('1.0.96.10.in-addr.arpa', 'PTR')).toBe('SERVFAIL');
    expect(await answerOf('svc.cluster.local')).toBe('NODATA');
    expect(await answerOf('nx.test')).toBe('NXDOMAIN');
    // The Service is nobody's but the DNS pod's.
    expect((await dig(c1, clusterIp, 'web.shop.svc.cluster.local', { time: 1 })).status).not.toBe('SERVFAIL');
    await dns.cluster.connect();
    await dns.waitReady(agent);
    expect(await pages()).toMatchObject([
      { status: 200, body: 'OK' },
      { status: 200, body: 'OK' },
    ]);
    expect(await answerOf('web.shop.svc.cluster.local')).toBe(webAddress.IPv4);
    expect(await answerOf('1.0.96.10.in-addr.arpa', 'PTR')).toBe('web.shop.svc.cluster.local.');
  });

  test('[DNS-119][DNS-130] its operator: waypost dns lookup explains, waypost dns log shows questions, /metrics counts them', async () => {
    const running = await start();
    const waypost = (...words: readonly string[]): ReturnType<Place['exec']> => lab.node1.exec(launcher, words);
    const explained = await waypost('dns', 'lookup', 'web.shop.svc.cluster.local');
    expect(explained).toMatchObject({ code: 0, stderr: '' });
    expect(explained.stdout).toContain(`web.shop.svc.cluster.local. 30 IN A ${webAddress.IPv4}\n`);
    const missing = await waypost('dns', 'lookup', 'missing.shop.svc.cluster.local', 'SRV', '-o', 'json');
    expect(JSON.parse(missing.stdout)).toMatchObject({ ok: true, rcode: 'NXDOMAIN', stage: 'kubernetes', answer: [] });
    expect((await waypost('dns', 'lookup', 'web.shop.svc.cluster.local', 'NOSUCH')).code).toBe(2);
    await dig(c1, clusterIp, 'quiet.test');
    expect(await waypost('dns', 'log', 'on')).toMatchObject({ code: 0, stdout: 'the query log is on\n' });
    await dig(c1, clusterIp, 'loud.test');
    await pollUntil('the line of the question', async () => (running.process.output.includes('loud.test.') ? true : null), {
      explain: () => running.process.output,
    });
    expect(running.process.output).toMatch(new RegExp(String.raw`${c1.addresses.IPv4}:\d+ - \d+ "A IN loud\.test\. udp`));
    expect(running.process.output).not.toContain('quiet.test');
    const { body } = await lab.node1.get('http://127.0.0.1:9153/metrics');
    const server = `dns://${clusterIp}:53`;
    expect(body).toContain(`coredns_dns_requests_total{server="${server}",zone=".",view="",proto="udp",family="1",type="A"} 2\n`);
    for (const kind of ['requests_total', 'request_duration_seconds_count', 'rate_limiter_duration_seconds_count'])
      expect(body).toMatch(
        new RegExp(String.raw`^coredns_kubernetes_rest_client_${kind}\{.*host="127\.0\.0\.1:6443".*\} [1-9]`, 'm'),
      );
  });

  test('[DNS-118][DNS-123] the Service of DNS gets another address: questions to that are taken, those to the old one no more', async () => {
    await start();
    const next = addressesOf(12).cluster;
    const kubeDns = kubeDnsObjects(12);
    const name = 'web.shop.svc.cluster.local';
    dns.cluster.put(...kubeDns);
    for (const family of kernelFamilies())
      await pollUntil(`answers at ${next[family]}`, async () =>
        brief(await dig(c1, next[family], name, { time: 1 })) === webAddress.IPv4 ? true : null,
      );
    expect(brief(await dig(c1, next.IPv4, 'kube-dns.kube-system.svc.cluster.local', { tcp: true }))).toBe(next.IPv4);
    expect(brief(await dig(c1, clusterIp, name, { time: 1 }))).not.toBe(webAddress.IPv4);
    // Without the Service the node-local address goes on.
    dns.cluster.remove(...kubeDns);
    await pollUntil('the old address to be nobody’s', async () =>
      brief(await dig(c1, next.IPv4, name, { time: 1 })) === webAddress.IPv4 ? null : true,
    );
    expect(brief(await dig(c1, nodeLocalOf('IPv4'), name))).toBe(webAddress.IPv4);
    dns.cluster.put(...kubeDnsObjects(10));
    await pollUntil('answers at the first address again', async () =>
      brief(await dig(c1, clusterIp, name, { time: 1 })) === webAddress.IPv4 ? true : null,
    );
  });

  test('[DNS-97] an upstream that is silent: cluster names as before, others SERVFAIL in time, stale answers where configured', async () => {
    const corefile = await dns.write(
      'Corefile',
      `.:53 {\n  kubernetes cluster.local in-addr.arpa ip6.arpa {\n    ttl 30\n  }\n  forward . ${lab.place(upstreamPod).addresses.IPv4}\n  cache 30 {\n    serve_stale 1h\n  }\n  health :8080\n  ready :8181\n}\n`,
    );
    await start(['--dns-config', corefile]);
    expect(brief(await dig(c1, clusterIp, 'kept.test'))).toBe(upstreamAnswer);
    dns.upstream.signal('SIGSTOP');
    expect(brief(await dig(c1, clusterIp, 'other.test', { time: 15 }))).toBe('SERVFAIL');
    const stale = `30 A ${upstreamAnswer}`;
    await pollUntil('the stale answer', async () => {
      const { records } = await dig(c1, clusterIp, 'kept.test', { time: 15 });
      return records.includes(stale) ? true : null;
    });
    // However many wait for the upstream, names of the cluster are answered.
    const waiting = await dns.startLoad(c1, clusterIp, 'waiting.test');
    const load = await dns.startLoad(c1, clusterIp, 'web.shop.svc.cluster.local');
    for (const tcp of [false, true])
      for (let count = 0; count < 20; count += 1)
        expect(brief(await dig(c1, clusterIp, 'web.shop.svc.cluster.local', { tcp, time: 1 }))).toBe(webAddress.IPv4);
    const { asked, lost, byAnswer } = await load.stop();
    expect([lost, byAnswer]).toEqual([0, { [webAddress.IPv4]: asked }]);
    await waiting.stop();
    dns.upstream.signal('SIGCONT');
    await pollUntil('the upstream to be asked again', async () =>
      brief(await dig(c1, clusterIp, 'third.test')) === upstreamAnswer ? true : null,
    );
  });

  test('[DNS-129] nobody outside is answered: not at the ClusterIP, not at the node-local address, and at an address of the node REFUSED', async () => {
    await start();
    for (const family of kernelFamilies()) {
      const via = lab.node1.addresses[family];
      await lab.outside.exec('ip', ['route', 'replace', nodeLocalOf(family), 'via', via]);
      for (const tcp of [false, true]) {
        const ask = (server: string): ReturnType<typeof dig> =>
          dig(lab.outside, server, 'web.shop.svc.cluster.local', { tcp, time: 1 });
        expect([webAddress.IPv4]).not.toContain(brief(await ask(kubeDnsAddress[family])));
        expect((await ask(nodeLocalOf(family))).status).toBe('SILENT');
        expect((await ask(via)).status).not.toBe('NOERROR');
      }
    }
    await agent?.kill();
    await start(['--dns-addresses', lab.node1.addresses.IPv4]);
    for (const tcp of [false, true]) {
      const ask = (from: Place): Promise<string> =>
        dig(from, lab.node1.addresses.IPv4, 'web.shop.svc.cluster.local', { tcp }).then(brief);
      expect(await ask(lab.outside)).toBe('REFUSED');
      expect(await ask(c1)).toBe(webAddress.IPv4);
      expect(await ask(lab.node1)).toBe(webAddress.IPv4);
    }
  });

  test('cleanup removes the table and the routes of DNS and nobody else’s, also long after the agent', async () => {
    await start();
    const routes = async (): Promise<string> =>
      (await lab.node1.exec('ip', ['route', 'show', 'table', 'local', 'proto', '88'])).stdout;
    const tables = async (): Promise<string> => (await lab.node1.exec('nft', ['list', 'tables'])).stdout;
    await lab.node1.exec('nft', ['add', 'table', 'inet', 'somebody']);
    await lab.node1.exec('ip', ['route', 'add', 'local', '198.51.100.77', 'dev', 'lo', 'proto', '99']);
    const early = await lab.node1.exec(launcher, ['cleanup']);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('belongs to an agent that is running');
    expect(brief(await dig(c1, nodeLocalOf('IPv4'), 'web.shop.svc.cluster.local'))).toBe(webAddress.IPv4);
    await agent?.kill();
    expect(await routes()).toContain('169.254.20.10');
    // As a kernel leaves it that has no tables with an owner.
    await lab.node1.exec('nft', ['add', 'table', 'inet', 'waypost_dns']);
    await lab.node1.exec('ip', ['route', 'replace', 'local', nodeLocalOf('IPv4'), 'dev', 'lo', 'proto', '88']);
    const late = await lab.node1.exec(launcher, ['cleanup']);
    expect(late.stderr).toBe('');
    expect(late.code).toBe(0);
    expect(late.stdout).toMatch(
      /DNS: removed \d+\n {2}table inet waypost_dns\n(?: {2}local route .*\n)* {2}local route 169\.254\.20\.10\n/,
    );
    expect(await routes()).toBe('');
    expect(await tables()).not.toContain('waypost');
    expect(await tables()).toContain('somebody');
    expect((await lab.node1.exec('ip', ['route', 'show', 'table', 'local', 'proto', '99'])).stdout).toContain('198.51.100.77');
    expect((await lab.node1.exec(launcher, ['cleanup'])).stdout).toContain('DNS: nothing of ours was there\n');
    await lab.node1.exec('nft', ['delete', 'table', 'inet', 'somebody']);
  });
});
