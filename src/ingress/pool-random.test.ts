import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ServiceKey } from '../model/mod.ts';
import { poolOf, recordOf } from './pool-service.fixture.ts';
import { createRandom } from './sim-clock.fixture.ts';
import { SimCluster } from './sim-cluster.fixture.ts';

interface Walk {
  readonly seed: number;
  /** Services made in all, and alive at once at most. */
  readonly services: number;
  readonly alive: number;
  /** Addresses of the pool that gives to everyone. */
  readonly capacity: number;
}

const faults = { lost: 0.02, unheard: 0.02, late: 0.01 };

/** Two agents at any time, of which the leader is killed now and then, while Services come, change and go. */
async function walk({ seed, services, alive, capacity }: Walk): Promise<SimCluster> {
  const random = createRandom(seed ^ 0x5eed);
  const pools = [poolOf('all', [`10.0.0.0-10.0.${capacity >> 8}.${capacity & 255}`]), poolOf('named', ['192.0.2.0/24'], false)];
  const cluster = new SimCluster(seed, pools, { ...faults });
  for (let count = 0; count < 2; count += 1) cluster.join();
  const pick = (): ServiceKey | undefined => [...cluster.services.keys()][Math.floor(random() * cluster.services.size)];
  for (let made = 0; made < services;) {
    // Bursts, and rests in which a new leader can begin.
    await cluster.clock.run(random() * (random() < 0.6 ? 60 : 5000));
    const chance = random();
    const victim = pick();
    if (chance < 0.03) killLeader(cluster);
    else if (victim !== undefined && (cluster.services.size >= alive || chance < 0.25)) cluster.remove(victim);
    else if (victim !== undefined && chance < 0.45) change(cluster, victim, random);
    else {
      // Names come back: what was meant for one Service must not reach the next of its name.
      cluster.put(recordOf(`s-${Math.floor(random() * alive * 2)}`));
      made += 1;
    }
  }
  return cluster;
}

function killLeader(cluster: SimCluster): void {
  const leader = cluster.agents.find(({ agent }) => agent.isLeading) ?? cluster.agents[0];
  if (leader !== undefined) cluster.kill(leader);
  cluster.join();
}

/** Something that an owner does: other labels, another pool, another class and back. */
function change(cluster: SimCluster, key: ServiceKey, random: () => number): void {
  const stored = cluster.services.get(key);
  if (stored === undefined) return;
  const chance = random();
  const { name } = stored.record;
  if (chance < 0.5) cluster.put({ ...stored.record });
  else if (chance < 0.7) cluster.put(recordOf(name, { request: { pool: 'named' } }));
  else if (chance < 0.9) cluster.put(recordOf(name));
  else cluster.put(recordOf(name, { type: 'NodePort', loadBalancerClass: null }));
}

/** Rows and statuses agree, and nobody goes without who could have an address. */
function isQuiet(cluster: SimCluster, capacity: number): boolean {
  let shown = 0;
  let served = 0;
  let wanting = 0;
  for (const { record } of cluster.services.values()) {
    const wants = record.type === 'LoadBalancer' && record.addressRequest === undefined;
    const has = record.loadBalancer.map(({ address }) => address);
    const held = cluster.rows.get(record.uid)?.held ?? [];
    if (held.length !== has.length || !has.every((address) => held.includes(address))) return false;
    if (record.type === 'NodePort' && has.length > 0) return false;
    if (record.addressRequest !== undefined && record.type === 'LoadBalancer' && has[0]?.startsWith('192.') !== true)
      return false;
    if (has.length > 0) shown += 1;
    if (wants) wanting += 1;
    if (wants && has.length > 0) served += 1;
  }
  return shown === cluster.rows.size && served >= Math.min(wanting, capacity);
}

async function judge(options: Walk): Promise<SimCluster> {
  const cluster = await walk(options);
  const quiet = await cluster.clock.run(600_000, () => cluster.broken.length > 0 || isQuiet(cluster, options.capacity + 1));
  expect(cluster.broken).toEqual([]);
  expect(quiet).toBe(true);
  return cluster;
}

test('whatever is lost, late or killed, no address is ever of two Services, and none is lost', async () => {
  expect.hasAssertions();
  const walks = fc.record({
    seed: fc.integer(),
    services: fc.constant(60),
    alive: fc.integer({ min: 5, max: 30 }),
    capacity: fc.integer({ min: 3, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(walks, async (options) => {
      await judge(options);
    }),
    { numRuns: 150, endOnFailure: true },
  );
}, 120_000);

test('1,000 Services that come and go, two agents, leaders killed: never a duplicate, never a leak', async () => {
  const cluster = await judge({ seed: 20_261_127, services: 1000, alive: 400, capacity: 500 });
  expect(cluster.writes).toBeGreaterThan(500);
  expect(cluster.lease?.terms.transitions).toBeGreaterThan(3);
}, 120_000);
