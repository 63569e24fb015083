import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWithForeignParser } from '../../src/observe/foreign-parser.fixture.ts';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import {
  canMakeNamespaces,
  createLab,
  createTemporaryFolder,
  kernelFamilies,
  listenOnAll,
  pollUntil,
  startWaypost,
  writeManifest,
  hasEachFamily,
} from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { at, nodeObject, ready, service, slices, terminating } from '../packets/objects.ts';
import type { EndpointSpec } from '../packets/objects.ts';

const port = 32_001;
const web = service('web', 1, {
  type: 'LoadBalancer',
  spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: port },
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

describeWhere(await canMakeNamespaces(), 'health check node ports of the real agent', () => {
  const families = kernelFamilies();
  let lab: Lab;
  let folder: Awaited<ReturnType<typeof createTemporaryFolder>>;
  let agent: RunningWaypost;

  beforeAll(async () => {
    lab = await createLab();
    folder = await createTemporaryFolder('waypost-health-');
    await lab.place('p1').listen(listenOnAll([8080], families.includes('IPv6') ? '::' : '0.0.0.0'));
    // A host firewall as strict as one can be: nothing comes in but what a rule of ours accepts.
    for (const [tool, neighbours] of [
      ['iptables', 'icmp'],
      ['ip6tables', 'ipv6-icmp'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop
      const { code, stderr } = await lab.node1.exec('sh', [
        '-ec',
        `${tool} -A INPUT -i lo -j ACCEPT; ${tool} -A INPUT -p ${neighbours} -j ACCEPT; ${tool} -P INPUT DROP`,
      ]);
      if (code !== 0) throw new Error(`${tool}: ${stderr}`);
    }
    await apply([ready('p1'), ready('p2'), ready('q1')]);
    agent = await startWaypost(lab.node1, { manifests: folder.path });
  });

  afterAll(async () => {
    await agent?.stop();
    await lab?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  async function apply(
    endpoints: readonly EndpointSpec[],
    objects: readonly object[] = [web.object],
    nodes: readonly object[] = [nodeObject()],
  ): Promise<void> {
    await writeManifest(folder.path, 'web.json', [...nodes, ...objects, ...slices('web', endpoints)]);
  }

  async function healthz(path: '/healthz' | '/livez'): Promise<Answer> {
    return await lab.node1.get(`http://127.0.0.1:10256${path}`);
  }

  async function healthzUntil(status: number): Promise<Answer> {
    return await pollUntil(`/healthz to be ${status}`, async () => {
      const answer = await healthz('/healthz');
      return answer.status === status ? answer : null;
    });
  }

  /** What a load balancer outside the cluster gets; null where nothing listens or nothing answers. */
  async function probe(family: Family, path = '/healthz'): Promise<Answer | null> {
    const address = at.node.addresses[family];
    const host = family === 'IPv6' ? `[${address}]` : address;
    return await lab.outside.get(`http://${host}:${port}${path}`, 700).catch(() => null);
  }

  async function probeUntil(awaited: string, family: Family, wanted: (answer: Answer | null) => boolean): Promise<Answer | null> {
    let last: Answer | null = null;
    await pollUntil(
      `${family}: ${awaited}`,
      async () => {
        last = await probe(family);
        return wanted(last) ? true : null;
      },
      { explain: () => `Last answer: ${JSON.stringify(last)}\nThe agent said:\n${agent.process.output}` },
    );
    return last;
  }

  test.each(families)('[SP-124] [SP-130] it counts the local pods, through a host firewall that drops: %s', async (family) => {
    const answer = await probeUntil('an answer', family, (one) => one !== null);
    expect(answer).toEqual({
      status: 200,
      body: '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": 2,\n\t"serviceProxyHealthy": true\n}',
    });
    expect((await probe(family, '/any/path?at=all'))?.status).toBe(200);
  });

  test('every page of metrics of the real agent is read by a parser that is not ours', async () => {
    const { status, body } = await lab.node1.get('http://127.0.0.1:10249/metrics');
    expect(status).toBe(200);
    const read = readWithForeignParser(body);
    for (const name of [
      'kubeproxy_sync_proxy_rules_duration_seconds',
      'kubeproxy_sync_full_proxy_rules_duration_seconds',
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
      'kubeproxy_proxy_healthz_total',
      'kubernetes_build_info',
      'process_open_fds',
      'waypost_frontends',
    ]) {
      expect([name, read.get(name)?.metrics.length ?? 0]).not.toEqual([name, 0]);
    }
    const rules = read.get('kubeproxy_sync_proxy_rules_iptables_total')?.metrics ?? [];
    expect(rules).toHaveLength(2 * families.length);
    for (const { value } of rules) expect(Number(value)).toBeGreaterThan(0);
  });

  test('[SP-119] [SP-120] [SP-127] a taint of the autoscaler takes the node out of /healthz; cordon, NotReady and a vanished Node do not', async () => {
    const pods = [ready('p1')];
    const tainted = { ...nodeObject(), spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } };
    await apply(pods, [web.object], [tainted]);
    const refused = await healthzUntil(503);
    expect(JSON.parse(refused.body)).toMatchObject({ nodeEligible: false, healthy: true });
    expect((await healthz('/livez')).status).toBe(200);
    expect((await probe('IPv4'))?.status).toBe(200);

    const cordon = { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }], unschedulable: true };
    const plain = nodeObject() as Readonly<Record<string, object>>;
    const notReady = { ...plain['status'], conditions: [{ type: 'Ready', status: 'False' }] };
    await apply(pods, [web.object], [{ ...plain, spec: cordon, status: notReady }]);
    await healthzUntil(200);

    // The new Service shows that the folder without a Node has been read.
    await apply(pods, [web.object, service('other', 2).object], []);
    await agent.waitRows('the Service other', (rows) => hasEachFamily(rows, 'default/other', lab.families));
    expect((await healthz('/healthz')).status).toBe(200);
  });

  test.each(families)('[SP-126] local pods that terminate give 503 while traffic to them still works: %s', async (family) => {
    await apply([terminating('p1'), ready('q1')]);
    const answer = await probeUntil('503', family, (one) => one?.status === 503);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ localEndpoints: 0, serviceProxyHealthy: true });
    const [attempt] = await lab.outside.connect({
      family,
      protocol: 'TCP',
      destination: at.node.addresses[family],
      port: web.nodePort,
      timeoutMs: 4000,
    });
    expect(attempt?.answer?.backend).toBe('p1');
  });

  test('[SP-123] it is closed when the Service no longer has the policy', async () => {
    await apply([ready('p1')], [service('web', 1, { type: 'LoadBalancer' }).object]);
    for (const family of families) {
      // oxlint-disable-next-line no-await-in-loop
      await probeUntil('no answer', family, (one) => one === null);
    }
    const { stdout } = await lab.node1.exec('ss', ['-Hltn', `sport = :${port}`]);
    expect(stdout).toBe('');
  });
});
