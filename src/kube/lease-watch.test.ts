import { expect, onTestFinished, test } from 'vitest';
import { ApiServer } from '../../test/api-server/api-server.ts';
import type { ApiObject } from '../../test/api-server/history.ts';
import { node } from '../../test/api-server/objects.ts';
import { until } from '../../test/api-server/until.ts';
import { parsePrefix } from '../model/mod.ts';
import type { LeasePort, MemberLease, Prefix, Problem } from '../model/mod.ts';
import { decodeMemberLease, nameMemberLease } from './decode-lease.ts';
import { createLeaseSink } from './lease-sink.ts';
import { createLeaseWatch } from './lease-watch.ts';

const lease = (name: string, renewedAt = 1_700_000_000_000, holder = 'run-1'): MemberLease => ({
  node: name,
  holder,
  renewedAt,
  durationMs: 3000,
  networks: [parsePrefix('192.0.2.0/24'), parsePrefix('fd00::/64')] as readonly Prefix[],
});

interface Told {
  readonly seen: MemberLease[];
  readonly gone: string[];
  readonly problems: Problem[];
  listed: number;
}

async function setStage(): Promise<{ server: ApiServer; open(name: string, writeMs?: number): { port: LeasePort; told: Told } }> {
  const server = new ApiServer();
  const master = await server.start();
  const ports: LeasePort[] = [];
  onTestFinished(async () => {
    await Promise.all(ports.map((port) => port.close()));
    await server.close();
  });
  const open = (nodeName: string, writeMs = 5000): { port: LeasePort; told: Told } => {
    const options = { kubeconfig: '', master, userAgent: 'waypost/test', env: {}, nodeName, namespace: 'kube-system', writeMs };
    const made = createLeaseWatch(options);
    if (!made.ok) throw new Error(made.problem.message);
    const told: Told = { seen: [], gone: [], problems: [], listed: 0 };
    ports.push(made.value);
    return { port: made.value, told };
  };
  return { server, open };
}

function watch({ port, told }: { port: LeasePort; told: Told }): void {
  port.start({
    seen: (seen) => told.seen.push(seen),
    gone: (name) => told.gone.push(name),
    listed: () => void (told.listed += 1),
    problem: (problem) => told.problems.push(problem),
  });
}

const stored = (server: ApiServer, name: string): ApiObject | undefined =>
  server.history.find('leases', 'kube-system', `waypost-announce-${name}`);

test('a Lease is made with its Node for an owner, renewed, and released; whoever watches sees all of it', async () => {
  const { server, open } = await setStage();
  server.put('nodes', { ...node('a', '192.0.2.1'), metadata: { name: 'a', uid: 'uid-a' } });
  server.put('leases', { metadata: { namespace: 'kube-system', name: 'somebody-elses' }, spec: {} });
  const [a, b] = [open('a'), open('b')];
  watch(b);
  await until('the list', () => b.told.listed === 1);
  expect(await a.port.write(lease('a'))).toEqual({ ok: true, value: undefined });
  expect(await a.port.write(lease('a', 1_700_000_001_000))).toEqual({ ok: true, value: undefined });
  expect(stored(server, 'a')).toMatchObject({
    metadata: { labels: { 'waypost.dev/lease': 'announce' }, ownerReferences: [{ kind: 'Node', name: 'a', uid: 'uid-a' }] },
    spec: { holderIdentity: 'run-1', leaseDurationSeconds: 3, renewTime: '2023-11-14T22:13:21.000000Z' },
  });
  expect(await a.port.release()).toEqual({ ok: true, value: undefined });
  await until('three changes', () => b.told.seen.length === 3);
  expect(b.told.seen).toEqual([lease('a'), lease('a', 1_700_000_001_000), lease('a', 1_700_000_001_000, '')]);
  server.remove('leases', 'kube-system', 'waypost-announce-a');
  await until('the end', () => b.told.gone.length === 1);
  expect(b.told).toMatchObject({ gone: ['a'], problems: [] });
});

test('another agent of the node takes the Lease over, and the first cannot release it any more', async () => {
  const { server, open } = await setStage();
  const [first, second] = [open('a'), open('a')];
  await first.port.write(lease('a'));
  await second.port.write(lease('a', 1_700_000_002_000, 'run-2'));
  expect(await first.port.release()).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_LEASE' } });
  expect(stored(server, 'a')?.['spec']).toMatchObject({ holderIdentity: 'run-2' });
  expect(await second.port.write(lease('a', 1_700_000_003_000, 'run-2'))).toMatchObject({ ok: true });
});

test('a write whose answer is lost does not keep the next from being made', async () => {
  const { server, open } = await setStage();
  const { port } = open('a');
  await port.write(lease('a'));
  server.intercept = ({ verb }) => (verb === 'patch' ? { kind: 'unheard' } : null);
  expect(await port.write(lease('a', 1_700_000_001_000))).toMatchObject({ ok: false });
  server.intercept = () => null;
  expect(await port.write(lease('a', 1_700_000_002_000))).toMatchObject({ ok: true });
  expect(await port.release()).toMatchObject({ ok: true });
});

test('a server that says nothing has its time, and one that refuses is understood', async () => {
  const { server, open } = await setStage();
  const { port } = open('a', 30);
  server.intercept = () => ({ kind: 'hang' });
  expect(await port.write(lease('a'))).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_SILENT' } });
  server.intercept = () => ({ kind: 'status', status: 403 });
  const patient = open('a');
  expect(await patient.port.write(lease('a'))).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_FORBIDDEN' } });
});

test('a list tells of the own Lease last, and a watch as it comes', () => {
  const order: string[] = [];
  const listener = {
    seen: ({ node: name, holder }: MemberLease) => void order.push(`${name} ${holder}`),
    gone: (name: string) => void order.push(`- ${name}`),
    listed: () => void order.push('listed'),
    problem: () => {},
  };
  const sink = createLeaseSink('b', listener, () => {});
  for (const name of ['a', 'b', 'c']) sink.upsert(lease(name));
  sink.listed();
  sink.upsert(lease('b', 2, 'run-2'));
  sink.upsert(lease('a', 2, 'run-2'));
  sink.hold();
  sink.upsert(lease('b', 3, 'run-3'));
  sink.upsert(lease('c', 3, 'run-3'));
  sink.remove('waypost-announce-a');
  sink.release();
  const expected = ['a run-1', 'c run-1', 'b run-1', 'listed', 'b run-2', 'a run-2', 'c run-3', '- a', 'b run-3'];
  expect(order).toEqual(expected);
});

test('what cannot be read is refused or left out, and says so', () => {
  const metadata = { name: 'waypost-announce-a', annotations: { 'waypost.dev/announce-networks': '192.0.2.0/24,nonsense' } };
  expect(decodeMemberLease({ metadata, spec: { leaseDurationSeconds: 3 } })).toMatchObject({
    ok: true,
    value: { node: 'a', holder: '', renewedAt: 0, networks: [{ address: '192.0.2.0' }] },
    warnings: [{ code: 'WP_KUBE_FIELD' }],
  });
  for (const raw of [
    null,
    {},
    { metadata },
    { metadata, spec: { leaseDurationSeconds: 1e9 } },
    { metadata: { name: 'other' } },
  ]) {
    expect(decodeMemberLease(raw)).toMatchObject({ ok: false, problem: { code: 'WP_KUBE_OBJECT' } });
  }
  expect(nameMemberLease('n'.repeat(250))).toBeNull();
});
