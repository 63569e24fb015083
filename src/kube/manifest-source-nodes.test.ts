import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../test/api-server/until.ts';
import type { Dirty, IngressData, Snapshot } from '../model/mod.ts';
import { noDirt } from '../model/mod.ts';
import { createManifestSource } from './manifest-source.ts';

interface Told {
  readonly changes: { readonly snapshot: Snapshot; readonly dirty: Dirty }[];
  readonly problems: string[];
  synced: boolean;
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waypost-manifests-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function follow(folder: string, ingress: IngressData | null): Told {
  const told: Told = { changes: [], problems: [], synced: false };
  const source = createManifestSource({ folder, nodeName: 'n1', ingress, debounceMs: 10, pollMs: 60_000 });
  source.start({
    change: (snapshot, dirty) => void told.changes.push({ snapshot, dirty }),
    synced: () => {
      told.synced = true;
    },
    problem: ({ message }) => void told.problems.push(message),
  });
  onTestFinished(() => source.close());
  return told;
}

function node(name: string, zone: string): string {
  return `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {zone: ${zone}}}\n`;
}

test('all Nodes of a folder, where ingress asks for them', async () => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'a.yaml'), `${node('n2', 'a')}---\n${node('n1', 'b')}`);
  await writeFile(join(folder, 'b.yaml'), node('n3', 'c'));
  const told = follow(folder, { nodes: true });
  await until('synced', () => told.synced);
  expect(told.changes).toHaveLength(1);
  const [first] = told.changes;
  expect([...(first?.snapshot.nodes?.keys() ?? [])].toSorted()).toEqual(['n1', 'n2', 'n3']);
  expect(first?.snapshot.node).toMatchObject({ name: 'n1', labels: { zone: 'b' } });
  expect(first?.dirty).toEqual({ ...noDirt, node: true });
  await writeFile(join(folder, 'b.yaml'), node('n3', 'd'));
  await until('a change', () => told.changes.at(-1)?.snapshot.nodes?.get('n3')?.labels['zone'] === 'd');
  expect(told.changes.at(-1)?.dirty).toEqual({ ...noDirt, nodes: new Set(['n3']) });
  await unlink(join(folder, 'b.yaml'));
  await until('it goes', () => told.changes.at(-1)?.snapshot.nodes?.size === 2);
  expect(told.problems).toEqual([]);
});

test.each([null, { nodes: false }])('the own Node alone with %j', async (ingress) => {
  const folder = await makeFolder();
  await writeFile(join(folder, 'a.yaml'), `${node('n2', 'a')}---\n${node('n1', 'b')}`);
  const told = follow(folder, ingress);
  await until('synced', () => told.synced);
  expect(told.changes[0]?.snapshot.nodes).toBeNull();
  expect(told.changes[0]?.snapshot.node).toMatchObject({ name: 'n1', labels: ingress === null ? {} : { zone: 'b' } });
});

test('an empty folder has no Nodes, which is something to know', async () => {
  const told = follow(await makeFolder(), { nodes: true });
  await until('synced', () => told.synced);
  expect(told.changes[0]?.snapshot.nodes?.size).toBe(0);
});
