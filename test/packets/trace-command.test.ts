import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { TraceReport } from '../../src/cli/trace-report.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, launcher } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';
import { ready, service, slices } from './objects.ts';
import { configOf, iptablesVariants } from './variant.ts';

const [variant] = iptablesVariants;
if (variant === undefined) throw new RangeError('there is no variant of iptables mode');

describeWhere(variant.capability, 'waypost trace, beside a running agent and without one', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  const web = service('web', 20, { type: 'NodePort' });
  const empty = service('empty', 21);
  const guarded = service('guarded', 22, {
    type: 'LoadBalancer',
    ports: [{ name: 'tcp', protocol: 'TCP', port: 80 }],
    spec: { loadBalancerSourceRanges: ['192.0.2.77/32'] },
  });
  const objects = [
    web.object,
    empty.object,
    guarded.object,
    ...slices('web', [ready('p1'), ready('p2'), ready('q1')]),
    ...slices('guarded', [ready('p1')]),
  ];

  const run = (...args: string[]): ReturnType<Lab['node1']['exec']> => lab.node1.exec(launcher, ['trace', ...args]);
  const report = async (...args: string[]): Promise<TraceReport> => {
    const { stdout, stderr } = await run(...args, '-o', 'json');
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as TraceReport;
  };

  beforeAll(async () => {
    lab = await createLab();
    await variant.prepare(lab);
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put(objects);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test('names the frontend, the back ends with their shares and what they see', async () => {
    const { code, stdout } = await run('10.244.1.10', '10.96.0.20:80');
    expect(code).toBe(0);
    expect(stdout).toContain('10.244.1.10 (arriving on pod-c1) to 10.96.0.20:80 over TCP, default/web:tcp/TCP (ClusterIP)');
    expect(stdout).toMatch(
      /33\.3 % +10\.244\.1\.11:8080 +endpoint of default\/web on node-1 +10\.244\.1\.10 +pod-p1 +iptables nat KUBE-SVC-/,
    );
    expect(stdout).toContain(
      'Delivered: default/web:tcp (ClusterIP) sends it to one of 3 back ends, ' +
        "which see the client's own address 10.244.1.10.\n",
    );
  });

  test('tells it as JSON and as YAML of one schema', async () => {
    const json = await report('node', 'default/web:tcp', '--family', 'IPv6');
    expect(json).toMatchObject({
      schema: 'waypost.dev/trace/v1',
      family: 'IPv6',
      protocol: 'TCP',
      source: { given: 'node', address: '2001:db8:1::11', device: null },
      frontend: { service: 'default/web', kind: 'ClusterIP' },
      verdict: 'delivered',
      unknown: [],
      gaps: [],
    });
    expect(json.ends.map(({ address, masqueraded }) => [address, masqueraded]).toSorted()).toEqual([
      ['fd00:10:244:1::11', true],
      ['fd00:10:244:1::12', true],
      ['fd00:10:244:2::10', true],
    ]);
    const { stdout } = await run('node', 'default/web:tcp', '--family', 'IPv6', '-o', 'yaml');
    expect(parse(stdout)).toEqual(json);
  });

  test.each<[string, string[], string, string | RegExp]>([
    ['no endpoints', ['10.244.1.10', 'default/empty:tcp'], 'refused', /empty:tcp \(ClusterIP\) has no usable endpoint/],
    [
      'a source outside the ranges',
      ['outside', '198.51.100.122:80'],
      'dropped',
      /198\.18\.0\.1 is not among the loadBalancerSourceRanges/,
    ],
    ['a socket that nobody has', ['10.244.1.10', '192.0.2.11:22'], 'passes', /no TCP socket of this node listens there/],
    ['the node port', ['outside', '192.0.2.11:30020/udp'], 'delivered', /which see 192\.0\.2\.11 in the place of 198\.18\.0\.1/],
  ])('%s', async (_, args, verdict, sentence) => {
    const traced = await report(...args);
    expect([traced.verdict, traced.sentence]).toEqual([verdict, expect.stringMatching(sentence)]);
  });

  test('ends with 1 where the packet is refused, and with 2 where the question is wrong', async () => {
    expect((await run('node', '10.96.0.21:80')).code).toBe(1);
    const several = await run('node', 'default/web');
    expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('several ports, so name one')]);
    const mixed = await run('10.244.1.10', '[fd00:10:96::20]:80');
    expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining('must be of one family')]);
    expect((await run('node')).code).toBe(2);
  });

  test('works without the agent, by addresses; names are missing and said to be', async () => {
    await cluster.stop();
    const traced = await report('10.244.1.10', '10.96.0.20:80');
    expect([traced.verdict, traced.frontend, traced.ends.length]).toEqual(['delivered', null, 3]);
    expect(traced.gaps.join()).toContain('names of Services');
    const { code, stderr } = await run('node', 'default/web:tcp');
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be looked up without a running agent')]);
  });

  test('follows what somebody else put there, and says what it does not understand', async () => {
    const iptables = (...args: string[]): ReturnType<typeof run> => lab.node1.exec('iptables-nft', args);
    const limited = ['FORWARD', '-d', '10.244.1.11', '-m', 'limit', '--limit', '5/sec', '-j', 'DROP'];
    await iptables('-I', ...limited);
    const unsure = await report('10.244.1.10', '10.96.0.20:80');
    expect([unsure.verdict, unsure.unknown.map(({ place }) => place)]).toEqual(['delivered', ['iptables filter FORWARD 1']]);
    await iptables('-D', ...limited);
    await iptables('-I', 'FORWARD', '-d', '10.244.1.11', '-j', 'DROP');
    const mixed = await report('10.244.1.10', '10.96.0.20:80');
    expect(mixed.verdict).toBe('mixed');
    expect(mixed.sentence).toContain('33.3 % is dropped (iptables filter FORWARD 1 says so: -d 10.244.1.11/32 -j DROP)');
  });
});
