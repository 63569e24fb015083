import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../test/api-server/until.ts';
import type { DnsData, Problem, Snapshot } from '../model/mod.ts';
import { createManifestSource } from './manifest-source.ts';

/** What a source told: snapshots, and everything by the name of its call. */
interface Told {
  readonly log: string[];
  readonly snapshots: Snapshot[];
  readonly problems: Problem[];
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waypost-manifests-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function follow(folder: string, dns: DnsData): Told {
  const told: Told = { log: [], snapshots: [], problems: [] };
  const source = createManifestSource({ folder, nodeName: 'n1', dns, debounceMs: 10, pollMs: 60_000 });
  source.start({
    change: (snapshot) => {
      told.log.push('change');
      told.snapshots.push(snapshot);
    },
    synced: () => void told.log.push('synced'),
    problem: (problem) => void told.problems.push(problem),
  });
  onTestFinished(() => source.close());
  return told;
}

test('delivers for DNS what a proxy does not see, Namespaces and Pods', async () => {
  const folder = await makeFolder();
  await writeFile(
    join(folder, 'a.yaml'),
    'apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 1}]}\n',
  );
  await writeFile(
    join(folder, 'b.json'),
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'empty' } },
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None' } },
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: {
            name: 'db-1',
            namespace: 'shop',
            labels: { 'kubernetes.io/service-name': 'db', 'service.kubernetes.io/headless': '' },
          },
          addressType: 'IPv4',
          endpoints: [{ addresses: ['10.1.0.1'] }],
        },
        ...['n1', 'n2'].map((nodeName) => ({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: `on-${nodeName}`, namespace: 'shop' },
          spec: { nodeName },
          status: { podIP: '10.1.0.1' },
        })),
      ],
    }),
  );
  const told = follow(folder, { pods: 'node', keepLabels: false });
  await until('synced', () => told.log.includes('synced'));
  expect(told.log).toEqual(['change', 'synced']);
  const [snapshot] = told.snapshots;
  expect(snapshot?.listed).toBe(true);
  expect([...(snapshot?.namespaces?.keys() ?? [])].toSorted()).toEqual(['default', 'empty', 'shop']);
  expect([...(snapshot?.pods?.keys() ?? [])]).toEqual(['shop/on-n1']);
  expect(snapshot?.services.get('shop/db')).toMatchObject({ proxied: false, publishedIps: null });
  expect(snapshot?.slices.get('shop/db')).toMatchObject([{ proxied: false, endpoints: [{ address: '10.1.0.1' }] }]);
  await unlink(join(folder, 'a.yaml'));
  await until('the namespace that nothing is in', () => told.snapshots.at(-1)?.namespaces?.size === 2);
  expect(told.problems).toEqual([]);
});

test('shows an empty folder to DNS', async () => {
  const told = follow(await makeFolder(), { pods: 'all', keepLabels: false });
  await until('synced', () => told.log.includes('synced'));
  const [snapshot] = told.snapshots;
  expect([snapshot?.listed, snapshot?.namespaces?.size, snapshot?.pods?.size]).toEqual([true, 0, 0]);
});
