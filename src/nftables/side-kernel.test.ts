import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { families, sideKey } from '../model/mod.ts';
import type { Family, SideEntry } from '../model/mod.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import type { Namespace } from './namespace.fixture.ts';
import { prefix, sampleAddress, sideChanges, sideSettings } from './side-entries.fixture.ts';
import { followChange, sortListing } from './side-model.fixture.ts';
import { createSideRules } from './side-rules.ts';
import { sideTable } from './side-sets.ts';

const drivers = ['netlink', 'exec'] as const;

const pause = (): null => null;

function listTable(namespace: Namespace, family: Family): readonly string[] {
  const { family: word, name } = sideTable(family);
  return sortListing(namespace.run(['nft', '-nn', 'list', 'table', word, name]));
}

describe.skipIf(kernelObstacle !== null)(`side rules in a kernel${kernelNote}`, () => {
  const cases = families.flatMap((family) => drivers.map((driver) => ({ family, driver })));

  it.each(cases)(
    '$family, $driver: any history ends in the table that a fresh build makes',
    { timeout: 120_000 },
    async ({ family, driver }) => {
      const foreign = 'table inet other {\n\tchain input {\n\t\ttype filter hook input priority 0; policy accept;\n\t}\n}\n';
      await fc.assert(
        fc.asyncProperty(sideChanges(family), async (changes) => {
          await using walked = makeNamespace();
          await using fresh = makeNamespace();
          walked.run(['nft', '-f', '-'], foreign);
          const side = createSideRules({ family, port: walked[driver], pause });
          const entries = new Map<string, SideEntry>();
          for (const change of changes) {
            followChange(entries, change);
            expect(await side.apply(change)).toMatchObject({ problem: null });
          }
          const { settings } = changes.at(-1) ?? { settings: sideSettings };
          expect(await side.read()).toEqual({ ok: true, value: { entries, intact: true } });
          const other = createSideRules({ family, port: fresh.exec, pause });
          expect((await other.apply({ settings, set: [...entries.values()], remove: [] })).problem).toBeNull();
          expect(listTable(walked, family)).toEqual(listTable(fresh, family));
          // Nothing to do is found out without a transaction, after a restart too.
          const again = createSideRules({ family, port: walked[driver], pause });
          expect(await again.apply({ settings, set: [...entries.values()], remove: [] })).toEqual({
            problem: null,
            operations: 0,
            bytes: 0,
          });
          expect(walked.run(['nft', '-nn', 'list', 'table', 'inet', 'other'])).toBe(foreign);
          await again.cleanup();
          expect(walked.run(['nft', '-nn', 'list', 'ruleset'])).toBe(foreign);
        }),
        { numRuns: 6 },
      );
    },
  );

  it.each(cases)('$family, $driver: what others did to the table is found and put right', async ({ family, driver }) => {
    await using namespace = makeNamespace();
    const side = createSideRules({ family, port: namespace[driver], pause });
    const { family: word } = sideTable(family);
    const vip = sampleAddress(family, 1);
    const set: readonly SideEntry[] = [
      {
        kind: 'decision',
        client: 'pod',
        address: vip,
        protocol: 'TCP',
        port: 80,
        decision: { verdict: 'sticky', group: 20, masquerade: false },
      },
      { kind: 'sticky', group: 20, timeoutSeconds: 60, servers: [16, 17] },
      { kind: 'protected', prefix: prefix(family === 'IPv4' ? '10.96.0.0/16' : 'fd00::/112') },
      { kind: 'protected', prefix: prefix(family === 'IPv4' ? '10.96.1.0/24' : 'fd00::100/120') },
      { kind: 'record', text: 's 16 00ff' },
    ];
    const change = { settings: sideSettings, set, remove: [] };
    await side.apply(change);
    const right = listTable(namespace, family);
    const wanted = { ok: true, value: { entries: new Map(set.map((entry) => [sideKey(entry), entry])), intact: true } };
    expect(await side.read()).toEqual(wanted);
    const chain = `${word} waypost`;
    for (const damage of [
      `delete table ${chain}`,
      `flush chain ${chain} act`,
      `add rule ${chain} act counter`,
      `add chain ${chain} mine\nadd rule ${chain} act jump mine`,
      `add chain ${chain} mine { type filter hook input priority 0; policy drop; }`,
      `add set ${chain} mine { type mark; }\nadd rule ${chain} input meta mark @mine drop`,
      `add map ${chain} mine { type mark : verdict; }\nadd element ${chain} mine { 1 : goto sticky_20 }`,
      `flush map ${chain} picks`,
      `delete element ${chain} live { 0x57000010 }`,
      `add element ${chain} service_pod { ${sampleAddress(family, 2)} . tcp . 80 : 0x57000003 }`,
      `flush set ${chain} protected`,
      `flush chain ${chain} sticky_20\ndelete map ${chain} sticky_20_clients`,
      `flush map ${chain} sticky\nflush chain ${chain} sticky_20\ndelete chain ${chain} sticky_20\ndelete map ${chain} sticky_20_clients`,
      `flush set ${chain} records`,
      `flush chain ${chain} capture\ndelete chain ${chain} capture\nadd chain ${chain} capture { type filter hook prerouting priority -151; }`,
      `flush chain ${chain} capture_port\nflush chain ${chain} capture\nflush chain ${chain} late_input\ndelete set ${chain} captured\nadd set ${chain} captured { type mark; }`,
    ]) {
      namespace.run(['nft', '-f', '-'], `${damage}\n`);
      expect({ damage, state: await side.read() }).not.toEqual({ damage, state: wanted });
      expect({ damage, ...(await side.apply(change)) }).toMatchObject({ damage, problem: null });
      expect({ damage, state: await side.read() }).toEqual({ damage, state: wanted });
      expect({ damage, listing: listTable(namespace, family) }).toEqual({ damage, listing: right });
    }
  });

  it.each(cases)('$family, $driver: a range makes way for one that overlaps it, in one change', async ({ family, driver }) => {
    await using namespace = makeNamespace();
    const side = createSideRules({ family, port: namespace[driver], pause });
    const address = sampleAddress(family, 1);
    const entries = (port: number, lastPort: number): readonly SideEntry[] => [
      { kind: 'capture', address, protocol: 'TCP', port, lastPort },
      { kind: 'restricted', address, protocol: 'TCP', port, lastPort },
      { kind: 'source', address, protocol: 'TCP', port, lastPort, prefix: prefix(`${address}/24`) },
      { kind: 'source', address, protocol: 'TCP', port, lastPort, prefix: prefix(`${address}/28`) },
      {
        kind: 'decision',
        client: 'peer',
        address,
        protocol: 'TCP',
        port,
        lastPort,
        decision: { verdict: 'mark', mark: 0x101 },
      },
    ];
    let before: readonly SideEntry[] = [];
    for (const [first, last] of [
      [1000, 1999],
      [1500, 2500],
      [1, 65_535],
      [1200, 1300],
    ] as const) {
      const set = entries(first, last);
      const remove = before.map((entry) => sideKey(entry));
      expect(await side.apply({ settings: sideSettings, set, remove })).toMatchObject({ problem: null });
      const wanted = new Map(set.map((entry) => [sideKey(entry), entry]));
      const again = createSideRules({ family, port: namespace[driver], pause });
      expect(await again.read()).toMatchObject({ ok: true, value: { entries: wanted } });
      before = set;
    }
  });

  it.each(cases)(
    '$family, $driver: an edit behind the back is found by the change it is in the way of',
    async ({ family, driver }) => {
      await using namespace = makeNamespace();
      const side = createSideRules({ family, port: namespace[driver], pause });
      const record = (text: string): SideEntry => ({ kind: 'record', text });
      await side.apply({ settings: sideSettings, set: [record('a'), record('b')], remove: [] });
      const { family: word } = sideTable(family);
      namespace.run(['nft', '-f', '-'], `flush set ${word} waypost records\n`);
      const report = await side.apply({ settings: sideSettings, set: [record('c')], remove: ['record/a'] });
      expect(report.problem).toBeNull();
      const state = await side.read();
      expect(state.ok && [...state.value.entries.keys()]).toEqual(['record/c']);
      namespace.run(['nft', '-f', '-'], `delete table ${word} waypost\n`);
      expect((await side.apply({ settings: sideSettings, set: [record('d')], remove: [] })).problem).toBeNull();
      expect(await side.read()).toMatchObject({ ok: true, value: { intact: true } });
    },
  );
});
