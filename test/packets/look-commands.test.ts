import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { EndpointUses } from '../../src/cli/endpoint-use-page.ts';
import type { NodeStatus } from '../../src/cli/status-page.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, launcher } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';
import { ready, service, slices } from './objects.ts';
import { configOf, iptablesVariants } from './variant.ts';

const [variant] = iptablesVariants;
if (variant === undefined) throw new RangeError('there is no variant of iptables mode');

describeWhere(variant.capability, 'commands that look at a running agent', () => {
  let lab: Lab;
  let cluster: LiveCluster;
  const web = service('web', 20, { type: 'NodePort', spec: { externalTrafficPolicy: 'Local' } });

  const run = (...args: string[]): ReturnType<Lab['node1']['exec']> => lab.node1.exec(launcher, args);

  beforeAll(async () => {
    lab = await createLab();
    await variant.prepare(lab);
    cluster = await createLiveCluster(lab, configOf(variant), variant.flags);
    await cluster.put([web.object, ...slices('web', [ready('p1'), ready('q1')])]);
  });

  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await lab?.close();
  });

  test('status: both families are in step, and it is healthy', async () => {
    const { code, stdout } = await run('status');
    expect(stdout).toMatch(/^node-1: healthy\nwaypost .* in mode iptables, running for /);
    expect(stdout).toMatch(/\nIPv4 .*\nIPv6 /);
    expect(code).toBe(0);
    const status = parse((await run('status', '-o', 'yaml')).stdout) as NodeStatus & { readonly healthy: boolean };
    expect(status).toMatchObject({ version: 1, healthy: true, synced: true, dns: { configured: false } });
    expect(status.families.map(({ family, frontends }) => [family, frontends.Error])).toEqual([
      ['IPv4', 0],
      ['IPv6', 0],
    ]);
  });

  test('endpoints: a policy of Local keeps clients outside from the other node', async () => {
    const { stdout } = await run('endpoints', 'default/web', '-o', 'json');
    const { endpoints } = JSON.parse(stdout) as EndpointUses;
    const told = endpoints
      .filter(({ family, portName }) => family === 'IPv4' && portName === 'tcp')
      .map(({ address, node, inside, outside }) => [address, node, inside.used, outside?.used]);
    expect(told).toEqual([
      ['10.244.1.11', 'node-1', true, true],
      ['10.244.2.10', 'node-2', true, false],
    ]);
    const unknown = await run('endpoints', 'default/nobody');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('serves no Service default/nobody')]);
  });

  test('top: says that this mode counts nothing', async () => {
    const { code, stderr } = await run('top', '--once');
    expect([code, stderr]).toEqual([1, expect.stringContaining('In mode iptables the kernel counts no connections')]);
  });
});
