import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete, damage, degraded, foreign, freshBuild, kernel, planeOn, shape, states, wishOf } from './data-plane.fixture.ts';
import type { FakeIptables } from './fake.ts';
import { createFaultyPort } from './faulty.ts';
import { settings } from './frontends.fixture.ts';
import type { Shape } from './frontends.fixture.ts';
import { createFakeSets } from './fake-sets.ts';
import type { IptablesPort } from './port.ts';
import type { SetPort } from './set-port.ts';

describe('property: the kernel ends in the fresh build', () => {
  test('a random walk between 200 random states, complete and incremental, from any state', { timeout: 120_000 }, async () => {
    const walk = fc.sample(states, { numRuns: 200, seed: 7 });
    const port = kernel();
    const plane = planeOn(port);
    let last: readonly Shape[] = [];
    for (const [step, next] of walk.entries()) {
      const services = wishOf(next);
      if (step % 10 !== 0) for (const { name } of last) if (!services.has(`ns/${name}`)) services.set(`ns/${name}`, []);
      const report = await plane.apply({ settings, services, complete: step % 10 === 0 });
      expect([report.problem, report.failed.size]).toEqual([null, 0]);
      expect(port.dump()).toBe(await freshBuild(next));
      last = next;
    }
  });

  test('[SP-156] [SP-155] a restarted agent adopts what stands and ends in the fresh build', async () => {
    await fc.assert(
      fc.asyncProperty(states, states, async (before, after) => {
        const port = kernel();
        await planeOn(port).apply(complete(before));
        await planeOn(port).apply(complete(after));
        expect(port.dump()).toBe(await freshBuild(after));
        const again = await planeOn(port).apply(complete(after));
        expect([again.operations, again.bytes]).toEqual([0, 0]);
      }),
      { numRuns: 40 },
    );
  });

  test('under injected faults, retries included', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(states, { minLength: 1, maxLength: 6 }), fc.integer(), async (walk, seed) => {
        const port = kernel();
        const random = seededRandom(seed);
        let calm = false;
        const faulty = createFaultyPort(port, { probability: 0.4, random: () => (calm ? 1 : random()) });
        const plane = planeOn(faulty);
        for (const next of walk) await plane.apply(complete(next));
        calm = true;
        const last = walk.at(-1) ?? [];
        const report = await plane.apply(complete(last));
        expect([report.problem, report.failed.size]).toEqual([null, 0]);
        expect(port.dump()).toBe(await freshBuild(last));
      }),
      { numRuns: 60 },
    );
  });

  test('[SP-158] an audit repairs whatever was deleted, flushed or added', async () => {
    await fc.assert(
      fc.asyncProperty(states, fc.array(fc.nat(10_000), { maxLength: 8 }), async (list, victims) => {
        const port = kernel();
        const plane = planeOn(port);
        await plane.apply(complete(list));
        const healthy = port.dump();
        port.load(damage(healthy, victims));
        const repaired = await plane.audit();
        expect(repaired.problem).toBeNull();
        expect(port.dump()).toBe(healthy);
        expect((await plane.audit()).operations).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('cost follows the change', () => {
  test('[SP-152] one more back end rewrites the chain of that Service and nothing else', async () => {
    const port = kernel();
    const plane = planeOn(port);
    const others = fc.sample(states, { numRuns: 1, seed: 3 }).flat();
    await plane.apply(complete([...others, shape]));
    const before = port.dump().split('\n');
    const report = await plane.apply({ settings, services: wishOf([{ ...shape, backends: [1, 2, 3] }]), complete: false });
    const after = port.dump().split('\n');
    const changed = [...before.filter((line) => !after.includes(line)), ...after.filter((line) => !before.includes(line))];
    expect(new Set(changed.map((line) => line.split(' ')[1])).size).toBe(1);
    expect(report.operations).toBeLessThanOrEqual(3);
  });

  test('[SP-17] the same frontends again cost nothing', async () => {
    const port = kernel();
    const plane = planeOn(port);
    await plane.apply(complete([shape]));
    const report = await plane.apply({ settings, services: wishOf([shape]), complete: false });
    expect([report.operations, port.restores]).toEqual([0, 1]);
  });
});

describe('coexistence', () => {
  test('[SP-157] [SP-160] clean-up leaves exactly what was there before', async () => {
    const port = kernel();
    const before = port.dump();
    const plane = planeOn(port);
    await plane.apply({ ...complete([shape]), settings: { ...settings, nodePorts: { kind: 'all-local', loopback: false } } });
    expect(port.dump()).not.toBe(before);
    const removed = await plane.cleanup();
    expect(removed.ok && removed.value.length > 0).toBe(true);
    expect(port.dump()).toBe(before);
  });

  test('[SP-160] clean-up keeps KUBE-FIREWALL and chains that another program still jumps to', async () => {
    const port = kernel(
      foreign
        .replace('-A CNI-HOSTPORT -p', '-A CNI-HOSTPORT -j KUBE-MARK-MASQ\n-A CNI-HOSTPORT -p')
        .replace(':CNI-HOSTPORT', ':KUBE-MARK-MASQ - [0:0]\n:CNI-HOSTPORT'),
    );
    const plane = planeOn(port);
    await plane.apply(complete([shape]));
    await plane.cleanup();
    const left = port
      .dump()
      .split('\n')
      .filter((line) => line.startsWith(':KUBE-'));
    expect(left).toEqual([':KUBE-MARK-MASQ - [0:0]', ':KUBE-FIREWALL - [0:0]']);
    expect(port.dump()).toContain('-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000');
  });

  test("kube-proxy's jumps are taken over, its per-endpoint chains go with the first sync", async () => {
    const port = kernel(`*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m comment --comment "ns/old:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment "ns/old:http" -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.0.1:80
COMMIT
`);
    const report = await planeOn(port).apply(complete([shape]));
    expect(report.problem).toBeNull();
    const text = port.dump();
    expect(text.match(/^-A PREROUTING .*-j KUBE-SERVICES$/gm)).toHaveLength(1);
    expect(text).not.toMatch(/KUBE-SEP-A|KUBE-SVC-AAAA/);
  });
});

describe('refusals', () => {
  /** A port that refuses any batch in which a rule names one of these addresses, with or without saying where. */
  function refusing(port: FakeIptables, poison: string, names: boolean): IptablesPort {
    return {
      ...port,
      restore: async (batch) => {
        for (const [section, { operations }] of batch.entries()) {
          const guilty = operations.find((one) => JSON.stringify(one).includes(poison));
          if (guilty !== undefined) {
            await port.restore(batch.slice(0, section));
            const problem = { code: 'WP_IPTABLES_REFUSED', message: `refused: ${poison}` } as const;
            return { bytes: 0, failure: { problem, section, operation: names ? guilty : null } };
          }
        }
        return port.restore(batch);
      },
    };
  }

  test.each([true, false])('a Service the kernel refuses fails alone (offending rule named: %s)', async (names) => {
    const port = kernel();
    const plane = planeOn(refusing(port, '10.244.0.39:', names));
    const good = fc
      .sample(states, { numRuns: 1, seed: 5 })
      .flat()
      .map((one) => ({ ...one, backends: one.backends.filter((id) => id !== 39), localBackends: [] }));
    const report = await plane.apply(complete([...good, { ...shape, backends: [1, 39] }]));
    expect([report.problem, [...report.failed.keys()]]).toEqual([null, ['ns/web']]);
    expect(port.dump()).toBe(await freshBuild(good));
    const mended = await plane.apply({ settings, services: wishOf([shape]), complete: false });
    expect(mended.failed.size).toBe(0);
    expect(port.dump()).toBe(await freshBuild([...good, shape]));
  });

  test('what the kernel held of a refused Service stays', async () => {
    const port = kernel();
    const plane = planeOn(refusing(port, '10.244.0.39:', false));
    await plane.apply(complete([shape]));
    const before = port.dump();
    await plane.apply({ settings, services: wishOf([{ ...shape, backends: [39] }]), complete: false });
    expect(port.dump()).toBe(before);
  });
});

describe('affinity in ipsets', () => {
  const sticky: Shape = { ...shape, affinity: 60 };

  test('sets are there before the rules that name them and go after the last, with any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(states, { minLength: 1, maxLength: 5 }), async (walk) => {
        const port = kernel();
        const sets = createFakeSets(() => port.dump());
        const checked: IptablesPort = {
          ...port,
          restore: async (batch) => {
            const named = [...JSON.stringify(batch).matchAll(/set (WAYPOST-\S+) src/g)].map((match) => match[1] ?? '');
            expect(named.filter((name) => !sets.names.has(name))).toEqual([]);
            return port.restore(batch);
          },
        };
        const plane = planeOn(checked, sets);
        for (const next of walk) await plane.apply(complete(next));
        const named = new Set([...port.dump().matchAll(/set (WAYPOST-\S+) src/g)].map((match) => match[1]));
        expect(sets.names).toEqual(named);
      }),
      { numRuns: 40 },
    );
  });

  test('[SP-85] a change of another Service, and a restart, leave the sets of this one alone', async () => {
    const port = kernel();
    const sets = createFakeSets(() => port.dump());
    const removed: string[] = [];
    const watched: SetPort = { ...sets, destroy: async (names) => (removed.push(...names), sets.destroy(names)) };
    const plane = planeOn(port, watched);
    await plane.apply(complete([sticky, { ...shape, name: 'other', number: 9, nodePort: 0 }]));
    await plane.apply({
      settings,
      services: wishOf([{ ...shape, name: 'other', number: 9, nodePort: 0, backends: [3] }]),
      complete: false,
    });
    await planeOn(port, watched).apply(complete([sticky]));
    expect(removed).toEqual([]);
    expect(sets.names.size).toBe(2);
  });

  test('sets that cannot be made fail the Services that need them, and no other', async () => {
    const port = kernel();
    const problem = { code: 'WP_IPTABLES_SET', message: 'ipset: no' } as const;
    const broken: SetPort = { ...createFakeSets(() => ''), create: async () => ({ ok: false, problem }) };
    const other: Shape = { ...shape, name: 'other', number: 9, nodePort: 0 };
    const report = await planeOn(port, broken).apply(complete([sticky, other]));
    expect([report.problem, [...report.failed.keys()]]).toEqual([null, ['ns/web']]);
    expect(port.dump()).toBe(await freshBuild([other]));
  });

  test('clean-up removes the sets too', async () => {
    const port = kernel();
    const sets = createFakeSets(() => port.dump());
    const plane = planeOn(port, sets);
    await plane.apply(complete([sticky]));
    const removed = await plane.cleanup();
    expect(removed.ok && removed.value.filter((one) => one.startsWith('ipset ')).length).toBe(2);
    expect(sets.names.size).toBe(0);
  });
});

test('a kernel without the bpf match loses the hairpin rule and nothing else, and says so', async () => {
  const port = kernel();
  const plain: IptablesPort = {
    ...port,
    restore: async (batch) => {
      const section = batch.findIndex((one) => JSON.stringify(one).includes('-m bpf'));
      if (section < 0) return port.restore(batch);
      await port.restore(batch.slice(0, section));
      const problem = { code: 'WP_IPTABLES_NO_MATCH', message: 'the kernel lacks match bpf' } as const;
      return { bytes: 0, failure: { problem, section, operation: null } };
    },
  };
  degraded.length = 0;
  const report = await planeOn(plain).apply(complete([shape]));
  expect([report.problem, report.failed.size, degraded]).toEqual([null, 0, ['WP_IPTABLES_NO_HAIRPIN']]);
  expect(port.dump()).toBe((await freshBuild([shape])).replace(/^.*-m bpf.*\n/m, ''));
});

/** Mulberry32: small, seeded, good enough to choose faults. */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
