import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import type { Cluster } from '../lifecycle/cluster.ts';
import { ready, service, slices } from '../packets/objects.ts';
import { RbacGuard, describeGrant, readGrants } from './rbac.ts';
import type { Grant } from './rbac.ts';
import { readContainer, readRendered } from './read-rendered.ts';

const account = { namespace: 'kube-system', name: 'waypost' };
const published = service('published', 4, { type: 'LoadBalancer', spec: { loadBalancerClass: 'waypost.dev/ingress' } });

/** As a Service is that no load balancer has given an address. */
const unserved = {
  ...published.object,
  metadata: {
    namespace: 'default',
    name: published.name,
    uid: '5f0f4bd4-3a35-4f5f-9d9f-0d6c2f9a7c01',
    creationTimestamp: '2026-01-02T03:04:05Z',
    annotations: { 'waypost.dev/announce': 'garp' },
  },
  status: { loadBalancer: {} },
};

/** The writer of Events asks for the count of an earlier one, and begins anew where its role does not allow that. */
const doneWithout = /^get events \S+ in \S+$/;

describeWhere(await canMakeNamespaces(), 'the roles of the manifests', () => {
  let lab: Lab;
  let scratch: TemporaryFolder;

  beforeAll(async () => {
    lab = await createLab();
    scratch = await createTemporaryFolder('waypost-rbac-');
    await mkdir(join(scratch.path, 'coredns'));
    await writeFile(
      join(scratch.path, 'coredns/Corefile'),
      '.:53 {\n ready\n kubernetes cluster.local\n forward . 192.0.2.53\n}\n',
    );
  });
  afterAll(async () => {
    await lab?.close();
    await scratch?.[Symbol.asyncDispose]();
  });

  /** The arguments of the DaemonSet behind those that every agent of a cluster gets. */
  function flagsOf(overlay: string): readonly string[] {
    const args = readContainer(overlay, 'waypost').args ?? [];
    expect(args[0]).toBe('run');
    return args.slice(3).map((arg) => arg.replace('/etc/coredns', join(scratch.path, 'coredns')));
  }

  /**
   * Starts the agent of an overlay twice, because Events are created once and counted from then on, and because servers before
   * 1.32 do not stream lists.
   */
  async function drive(cluster: Cluster, flags: readonly string[], guard: RbacGuard): Promise<void> {
    const later = /^list |^patch events$/;
    for (const streaming of ['served', 'refused'] as const) {
      cluster.server.streaming = streaming;
      const missing = (): readonly string[] => guard.unused().filter((one) => streaming === 'refused' || !later.test(one));
      const agent = await cluster.startAgent({}, flags);
      await agent.waitHealthy();
      await pollUntil('every grant to be used', async () => (missing().length === 0 ? true : null), {
        timeoutMs: 20_000,
        explain: () => `unused: ${missing().join(', ')}; refused: ${guard.refused().join(', ')}\n${agent.process.output}`,
      });
      await agent.stop();
    }
  }

  /** Those that an overlay grants in vain, and those that it lacks. */
  async function findMistakes(overlay: string, flags: readonly string[] = []): Promise<readonly string[]> {
    const guard = new RbacGuard(readGrants(readRendered(overlay), account));
    await using cluster = await createCluster(lab.node1);
    cluster.server.intercept = guard.intercept;
    cluster.put(unserved, ...slices('published', [ready('p1')]));
    await cluster.connect();
    await drive(cluster, [...flagsOf(overlay), ...flags], guard);
    const refused = guard.refused().filter((one) => !doneWithout.test(one));
    return [...guard.unused().map((one) => `unused: ${one}`), ...refused.map((one) => `refused: ${one}`)];
  }

  test('of the base: nothing that the agent asks for is refused, and nothing is allowed that it does not ask for', async () => {
    expect(await findMistakes('base')).toEqual([]);
  });

  test('with DNS, the same', async () => {
    expect(await findMistakes('iptables-dns')).toEqual([]);
  });

  test.each(['ipvs-dns-mesh-ingress', 'ipvs-mesh-ingress-announce'])(
    'of %s, which gives addresses, the same',
    async (overlay) => {
      const ranges = ['198.51.100.0/24', '2001:db8:100::/120'];
      const flags = [`--ingress-pool=front=${ranges.join('+')}`, `--ingress-vip-cidrs=${ranges.join()}`];
      expect(await findMistakes(overlay, [...flags, '--ingress-lease-duration=3s'])).toEqual([]);
    },
  );
});

test('a verb that is missing is refused, and one that nobody needs is told', () => {
  const [first, ...rest] = readGrants(readRendered('base'), account) as [Grant, ...Grant[]];
  const guard = new RbacGuard([...rest, { ...first, verb: 'delete' }]);
  const asked = { collection: 'nodes', namespace: null, name: '', isStatus: false, query: {}, token: null } as const;
  expect(describeGrant(first)).toBe('list nodes');
  expect(guard.intercept({ ...asked, verb: 'list' })).toMatchObject({ status: 403 });
  expect(guard.intercept({ ...asked, verb: 'stream' })).toBeNull();
  expect(guard.refused()).toEqual(['list nodes']);
  expect(guard.unused()).toContain('delete nodes');
  expect(guard.unused()).not.toContain('watch nodes');
});
