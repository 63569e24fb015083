import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createRandom } from '../../src/ingress/sim-clock.fixture.ts';
import { ApiServer } from '../api-server/api-server.ts';
import type { ApiObject } from '../api-server/history.ts';
import { until } from '../api-server/until.ts';
import { patient } from '../lab/patience.ts';
import { addressClass, leaseName, leaseNamespace } from './address-names.ts';
import { addressesOf, AddressWatch } from './address-watch.ts';

const program = fileURLToPath(new URL('address-agent.ts', import.meta.url));
const alive = 300;
const services = 1000;

function startAgent(server: ApiServer): ChildProcess {
  const child = spawn(process.execPath, [program, server.url, '10.0.0.1', '10.0.1.144'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function serviceObject(name: string, number: number): ApiObject {
  const uid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const clusterIP = '10.96.0.1';
  return {
    metadata: { namespace: 'shop', name, uid, creationTimestamp: new Date(number * 1000).toISOString() },
    spec: {
      type: 'LoadBalancer',
      loadBalancerClass: addressClass,
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ports: [{ port: 80, protocol: 'TCP' }],
    },
  };
}

/** Who leads, as the Lease says; the process's id is in the name. */
function leaderOf(server: ApiServer): { readonly pid: number; readonly transitions: number } | null {
  const lease = server.history.find('leases', leaseNamespace, leaseName);
  const spec = lease?.['spec'] as { holderIdentity: string; leaseTransitions: number } | undefined;
  return spec === undefined
    ? null
    : { pid: Number(spec.holderIdentity.replace('agent-', '')), transitions: spec.leaseTransitions };
}

/** The table says what the statuses say, and every Service has its address. */
function isQuiet(server: ApiServer): boolean {
  const data = server.history.find('configmaps', leaseNamespace, `${leaseName}-addresses`)?.['data'];
  const rows = new Map(Object.entries((data ?? {}) as Record<string, string>));
  const objects = server.history.list('services');
  return (
    rows.size === objects.length &&
    objects.every((object) => {
      const [address, ...more] = addressesOf(object);
      const row = rows.get(String(object.metadata['uid']))?.split(' ') ?? [];
      return address !== undefined && more.length === 0 && row.length === 3 && row[2] === address;
    })
  );
}

test('two agents and 1,000 Services that come and go, the leader killed again and again: no duplicate, no leak', async () => {
  const random = createRandom(7);
  const server = new ApiServer();
  await server.start();
  onTestFinished(() => server.close());
  await using watch = new AddressWatch();
  await watch.open(server);
  // Some answers are lost after the change was made, some requests before.
  server.intercept = ({ verb, collection }) => {
    const chance = collection === 'services' && verb === 'watch' ? 1 : random();
    return chance < 0.01 ? { kind: 'unheard' } : chance < 0.02 ? { kind: 'reset' } : null;
  };
  const agents = new Map<number, ChildProcess>();
  const start = (): void => {
    const child = startAgent(server);
    agents.set(child.pid ?? 0, child);
  };
  start();
  start();
  let made = 0;
  for (let round = 0; made < services; round += 1) {
    for (let count = 0; count < 50 && made < services;) {
      const names = server.history.list('services').map(({ metadata }) => metadata.name);
      if (names.length >= alive || (names.length > 0 && random() < 0.35)) {
        server.remove('services', 'shop', names[Math.floor(random() * names.length)] ?? '');
        continue;
      }
      const name = `s-${Math.floor(random() * alive * 2)}`;
      if (names.includes(name)) continue;
      made += 1;
      count += 1;
      server.put('services', serviceObject(name, made));
    }
    const goal = watch.given + 1 + Math.floor(random() * 12);
    await until('addresses are being given', () => watch.given >= goal, patient(20_000));
    if (round % 2 === 1) continue;
    const leader = leaderOf(server);
    agents.get(leader?.pid ?? 0)?.kill('SIGKILL');
    start();
  }
  await until('all is quiet', () => isQuiet(server), patient(30_000));
  expect(watch.duplicates).toEqual([]);
  expect(made).toBe(services);
  expect(leaderOf(server)?.transitions).toBeGreaterThanOrEqual(5);
});
