import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from '../packets/live-cluster.ts';
import { backendsOf } from '../packets/live-cluster.ts';
import { at, ready, service, slices } from '../packets/objects.ts';
import { configOf } from '../packets/variant.ts';
import { mustRun, readServers, target } from './tools.ts';
import { netlinkVariant } from './variants.ts';

/** What a kube-proxy in IPVS mode leaves on a node when its pod is deleted (service-proxy specification 11). */
const leftovers = `
set -e
modprobe ip_vs
ip link add kube-ipvs0 type dummy
for address in 10.96.0.1/32 10.96.0.66/32 198.51.100.101/32 fd00:10:96::1/128; do ip address add "$address" dev kube-ipvs0; done
sysctl -qw net.ipv4.vs.conntrack=1
ipvsadm --restore <<'END'
-A -t 10.96.0.1:80 -s rr
-a -t 10.96.0.1:80 -r 10.244.1.11:8080 -m -w 1
-A -u 10.96.0.1:80 -s rr
-a -u 10.96.0.1:80 -r 10.244.1.11:8080 -m -w 0
-A -t 198.51.100.101:80 -s rr
-a -t 198.51.100.101:80 -r 10.244.1.11:8080 -m -w 1
-A -t 10.96.0.66:443 -s rr
-a -t 10.96.0.66:443 -r 10.244.1.12:8080 -m -w 1
-A -t 192.0.2.11:30001 -s rr
-a -t 192.0.2.11:30001 -r 10.244.1.11:8080 -m -w 1
-A -t [fd00:10:96::1]:80 -s rr
-a -t [fd00:10:96::1]:80 -r [fd00:10:244:1::11]:8080 -m -w 1
-A -t 203.0.113.50:8443 -s wlc
-a -t 203.0.113.50:8443 -r 10.244.2.10:443 -m -w 9
END
ipset create KUBE-CLUSTER-IP hash:ip,port
ipset add KUBE-CLUSTER-IP 10.96.0.1,tcp:80
ipset create KUBE-LOAD-BALANCER hash:ip,port
iptables -t nat -N KUBE-SERVICES
iptables -t nat -N KUBE-MARK-MASQ
iptables -t nat -N KUBE-POSTROUTING
iptables -t nat -A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
iptables -t nat -A KUBE-SERVICES ! -s 10.244.0.0/16 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
iptables -t nat -A PREROUTING -j KUBE-SERVICES
iptables -t nat -A OUTPUT -j KUBE-SERVICES
iptables -t nat -A KUBE-POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE
iptables -t nat -A POSTROUTING -j KUBE-POSTROUTING
`;

const variant = netlinkVariant();

describeWhere(variant.capability, 'taking over from kube-proxy in IPVS mode', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab();
    for (const name of ['p1', 'p2']) await lab.place(name).listen(listenOnAll([8080]));
    await mustRun(lab.node1, 'sh', '-c', leftovers);
  });

  afterAll(() => lab?.close());

  test('[IPVS-51][IPVS-53] its servers serve on and become ours, the rest of it goes, others stay, no connection is lost', async () => {
    const web = service('web', 1, { type: 'LoadBalancer' });
    const to = target(web.clusterIp, 80);
    const c1 = lab.place('c1');
    expect(backendsOf(await c1.connect(to))).toEqual(['p1']);
    const held = await c1.ask({ op: 'open', ...to });
    const load = await lab.outside.ask({ op: 'start-load', ...to, workers: 2, pauseMs: 20 });

    await using cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put([web.object, ...slices('web', [ready('p1'), ready('p2')])]);
    await pollUntil(
      'what kube-proxy left behind to go',
      async () => ((await lab.node1.exec('ip', ['link', 'show', 'kube-ipvs0'])).code === 0 ? null : true),
      { timeoutMs: 60_000, everyMs: 250 },
    );

    expect((await c1.ask({ op: 'ping', connection: held.connection, timeoutMs: 4000 })).answer).toEqual(held.attempt.answer);
    const report = await lab.outside.ask({ op: 'stop-load', load });
    expect({ refused: report.refused, lost: report.lost, failures: report.failures }).toEqual({
      refused: 0,
      lost: 0,
      failures: [],
    });
    expect(report.attempts).toBeGreaterThan(10);
    const servers = await readServers(lab);
    // The weight that was left at 0 is healed; what nobody wants is gone; another program's server is not.
    expect(servers).toContain('-a -u 10.96.0.1:80 -r 10.244.1.11:8080 -m -w 1');
    expect(servers).not.toContain('10.96.0.66');
    expect(servers).toContain('-a -t 203.0.113.50:8443 -r 10.244.2.10:443 -m -w 9');
    expect((await lab.node1.exec('ipset', ['list', '-n'])).stdout).not.toContain('KUBE-');
    const rules = (await lab.node1.exec('sh', ['-c', 'iptables-save; ip6tables-save'])).stdout;
    expect(rules).not.toContain('KUBE-SERVICES');
    for (const [destination, port] of [
      [web.clusterIp, 80],
      [web.loadBalancerIp, 80],
      [at.node, web.nodePort],
    ] as const)
      for (const family of ['IPv4', 'IPv6'] as const) {
        const met = new Set(backendsOf(await lab.outside.connect(target(destination, port, family), 6)));
        expect(met).toEqual(new Set(['p1', 'p2']));
      }
  });
});
