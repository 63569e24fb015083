import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { families, unknownTraffic } from '../model/mod.ts';
import type { Family } from '../model/mod.ts';
import { createFakeIpvs, dumpServers } from './fake.ts';
import { joinListing } from './join-listing.ts';
import { describeOnKernel, runOnKernel } from './kernel.fixture.ts';
import { parseSave } from './parse-save.ts';
import type { IpvsOperation } from './port.ts';
import { readProcServers } from './proc.ts';
import { scenarios } from './scenarios.fixture.ts';
import { runStep } from './steps.fixture.ts';
import type { KernelStep, Step } from './steps.fixture.ts';
import {
  addDestination,
  addressKey,
  addServer,
  anyOperation,
  markKey,
  narrowUniverse,
  plainDestination,
  plainServer,
} from './values.fixture.ts';

const drivers = ['netlink', 'exec'] as const;

/** Generous: the virtual machine may be emulated in software. */
const slow = 240_000;

/** Fixed sequences of operations, for each family; the same on every run, so that a failure can be looked into. */
const sequences: readonly { readonly family: Family; readonly operations: readonly IpvsOperation[] }[] = families.flatMap(
  (family) =>
    fc
      .sample(fc.array(anyOperation(family, narrowUniverse(family)), { minLength: 50, maxLength: 70 }), {
        numRuns: 4,
        seed: 20_261,
      })
      .map((operations) => ({ family, operations })),
);

async function runOnFake(family: Family, operations: readonly IpvsOperation[]): Promise<{ codes: unknown; dump: unknown }> {
  const fake = createFakeIpvs(family);
  return { codes: await runStep(fake, { call: 'apply', operations }), dump: await runStep(fake, { call: 'dump' }) };
}

describe('the fake kernel', () => {
  it.each(scenarios)('$title', async ({ family, operations, codes, dump }) => {
    expect(await runOnFake(family, operations)).toEqual({ codes, dump: dump.map((line) => `${line}\n`).join('') });
  });

  it('has random sequences that meet every refusal of the kernel', async () => {
    const codes = (await Promise.all(sequences.map(({ family, operations }) => runOnFake(family, operations)))).flatMap(
      (run) => run.codes,
    );
    for (const word of ['EXISTS', 'NO_SERVER', 'NO_DESTINATION', 'NO_SCHEDULER', 'INVALID'])
      expect(codes).toContain(`WP_IPVS_${word}`);
    expect(codes.filter((code) => code === null).length).toBeGreaterThan(100);
  });
});

for (const driver of drivers) {
  describeOnKernel(`[IPVS-7] [IPVS-8] the ${driver} driver on the kernel, every scenario`, () => {
    const results: { codes: unknown; dump: string; readBack: { other: string; tool: string } }[] = [];
    const runs = [...scenarios.map(({ family, operations }) => ({ family, operations })), ...sequences];

    beforeAll(async () => {
      const others = { netlink: 'exec', exec: 'netlink' } as const;
      const steps = runs.flatMap(({ family, operations }): KernelStep[] => [
        { driver, family, call: 'apply', operations },
        { driver, family, call: 'dump' },
        { driver: others[driver], family, call: 'dump' },
        { call: 'tool', words: ['-S', '-n'] },
        // Quicker than the tool, and no part of what is tested here.
        { driver: 'netlink', family, call: 'clear' },
      ]);
      const said = await runOnKernel(steps);
      for (let at = 0; at < said.length; at += 5) {
        const [codes, dump, other, tool] = said.slice(at, at + 4) as [unknown, string, string, string];
        results.push({ codes, dump, readBack: { other, tool } });
      }
    }, slow);

    it.each(scenarios.map((scenario, index) => ({ ...scenario, index })))('$title', ({ index, codes, dump }) => {
      const text = dump.map((line) => `${line}\n`).join('');
      expect(results[index]).toMatchObject({ codes, dump: text, readBack: { other: text } });
    });

    it('does in random sequences what the fake does, and the other driver reads the same', async () => {
      for (const [index, { family, operations }] of sequences.entries()) {
        const fake = await runOnFake(family, operations);
        expect(results[scenarios.length + index]).toMatchObject({ ...fake, readBack: { other: fake.dump } });
      }
    });

    it('[IPVS-15] leaves what `ipvsadm --save` prints as well, but for thresholds', () => {
      expect(results.filter(({ dump }) => dump !== '').length).toBeGreaterThan(scenarios.length);
      for (const { dump, readBack } of results) expect(withoutThresholds(readBack.tool)).toBe(withoutThresholds(dump));
    });
  });
}

describeOnKernel('both drivers on the kernel', () => {
  const vip = { IPv4: '10.96.0.1', IPv6: 'fd00:96::1' } as const;
  const pod = { IPv4: '10.244.0.1', IPv6: 'fd00:244::1' } as const;
  const cases = drivers.flatMap((driver) => families.map((family) => ({ driver, family })));

  it.each(cases)(
    '[IPVS-10] [IPVS-17] $driver, $family: probe, idle times and counters',
    async ({ driver, family }) => {
      const key = addressKey('TCP', vip[family], 80);
      const empty = addressKey('TCP', vip[family], 81);
      const calls: Step[] = [
        { call: 'probe', scheduler: 'mh' },
        { call: 'probe', scheduler: 'absent' },
        { call: 'dump' },
        { call: 'apply', operations: [addServer(plainServer(key)), addServer(plainServer(empty))] },
        { call: 'apply', operations: [addDestination(key, plainDestination(pod[family], 80))] },
        { call: 'counters', key },
        { call: 'counters', key: empty },
        { call: 'counters', key: addressKey('TCP', vip[family], 82) },
        { call: 'set-timeouts', timeouts: { tcp: 7500, tcpFin: 0, udp: 60 } },
        { call: 'timeouts' },
        { call: 'set-timeouts', timeouts: { tcp: -1, tcpFin: 0, udp: 60 } },
      ];
      const none = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
      const passed = driver === 'netlink' ? none : unknownTraffic;
      const place = family === 'IPv4' ? '10.244.0.1:80' : '[fd00:244::1]:80';
      const counters = [[place, { active: 0, inactive: 0, persistent: 0, ...passed }]];
      expect(await runOnKernel(calls.map((step) => ({ driver, family, ...step })))).toEqual([
        { version: '1.2.1', connectionTableSize: 4096 },
        'WP_IPVS_NO_SCHEDULER',
        '',
        [null, null],
        [null],
        counters,
        [],
        null,
        null,
        { tcp: 7500, tcpFin: 120, udp: 60 },
        'WP_IPVS_INVALID',
      ]);
    },
    slow,
  );

  it(
    '[IPVS-1] one number can be a mark of both families at a time',
    async () => {
      const apply = (driver: 'netlink' | 'exec', family: Family, mark: number): KernelStep => ({
        driver,
        family,
        call: 'apply',
        operations: [addServer(plainServer(markKey(family, mark)))],
      });
      const dumps = families.map((family): KernelStep => ({ driver: 'netlink', family, call: 'dump' }));
      const said = await runOnKernel([
        ...drivers.flatMap((driver, index) => families.map((family) => apply(driver, family, index + 1))),
        ...dumps,
      ]);
      expect(said).toEqual([
        [null],
        [null],
        [null],
        [null],
        '-A -f 1 -s rr\n-A -f 2 -s rr\n',
        '-A -f 1 -6 -s rr\n-A -f 2 -6 -s rr\n',
      ]);
    },
    slow,
  );

  it(
    '[IPVS-16] /proc/net/ip_vs says the same as a list of netlink',
    async () => {
      for (const family of families) {
        const operations = scenarios
          .filter((scenario) => scenario.family === family && /IPVS-(9|22)/.test(scenario.title))
          .flatMap((scenario) => scenario.operations);
        const [, text, dumped] = await runOnKernel([
          { driver: 'netlink', family, call: 'apply', operations },
          { call: 'proc' },
          { driver: 'netlink', family, call: 'dump' },
        ]);
        const proc = readProcServers(text as string);
        if (!proc.ok) throw new Error(proc.problem.message);
        const seen = proc.value.flatMap((server) => server.destinations.map((one) => `${one.address} ${one.port} ${one.weight}`));
        const saved = parseSave(dumped as string);
        if (!saved.ok) throw new Error(saved.problem.message);
        const wanted = saved.value.flatMap((line) =>
          line.verb === 'add-destination'
            ? [`${line.destination.address} ${line.destination.port} ${line.destination.weight}`]
            : [],
        );
        expect(seen.toSorted()).toEqual(wanted.toSorted());
        expect(seen.length).toBeGreaterThan(5);
        const masks = proc.value.flatMap(({ persistence }) => (persistence === null ? [] : [persistence.prefixLength]));
        expect(masks).toEqual([family === 'IPv4' ? 24 : 64]);
      }
    },
    slow,
  );

  it(
    '[IPVS-11] a list of more than 10,000 servers is complete',
    async () => {
      const [filled] = await runOnKernel([{ driver: 'netlink', family: 'IPv4', call: 'fill', count: 10_001 }]);
      expect(filled).toEqual({ refused: 0, listed: 10_001 });
    },
    slow,
  );
});

/** The lines of a text that `parseSave` reads, sorted and in this room's spelling, with all thresholds 0. */
function withoutThresholds(text: string): string {
  const parsed = parseSave(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return dumpServers(joinListing(parsed.value, new Map(), new Map()));
}
