import { describe, expect, test } from 'vitest';
import { expectedTable } from './expected-table.fixture.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import { rulesEqual } from './rule-equal.ts';
import { buildSamples, makeSamples } from './samples.fixture.ts';
import { formatTable } from './table-text.fixture.ts';

const drivers = ['exec', 'netlink'] as const;
const families = ['ip', 'ip6'] as const;
const cases = families.flatMap((family) => drivers.flatMap((writer) => drivers.map((reader) => ({ family, writer, reader }))));

describe.skipIf(kernelObstacle !== null)(`reading back${kernelNote}`, () => {
  test.each(cases)('$reader reads the $family table that $writer wrote', async ({ family, writer, reader }) => {
    const samples = makeSamples(family);
    await using place = makeNamespace();
    place.run(['nft', 'add table ip foreign; add chain ip foreign plain; add set ip foreign s { type ipv4_addr; }']);
    expect((await place[writer].apply(buildSamples(samples))).problem).toBeNull();
    const read = await place[reader].readTable(family, 'samples');
    if (!read.ok || read.value === null) throw new Error(read.ok ? 'no table' : read.problem.message);
    expect(formatTable(read.value)).toBe(formatTable(expectedTable(samples)));
    for (const [name, { rules }] of read.value.chains) {
      const wanted = samples.rules.filter(({ chain }) => chain === name);
      expect(rules.map((rule, index) => rulesEqual(family, wanted[index] ?? { statements: [] }, rule))).toEqual(
        wanted.map(() => true),
      );
    }
  });

  test.each(drivers)('%s tells what is none of our vocabulary', async (driver) => {
    await using place = makeNamespace();
    place.run(
      ['nft', '-f', '-'],
      `add table ip t
       add chain ip t odd { type filter hook input priority 0; policy drop; }
       add chain ip t plain
       add rule ip t plain limit rate 1/second
       add rule ip t plain meta l4proto { 6, 17 } drop
       add rule ip t plain ip ttl 3 accept
       add rule ip t plain accept
       add set ip t strange { type icmp_type; }
       add set ip t counted { type ipv4_addr; counter; }\n`,
    );
    const read = await place[driver].readTable('ip', 't');
    if (!read.ok || read.value === null) throw new Error('no table');
    expect(read.value.chains.get('odd')?.chain).toBeNull();
    expect(read.value.chains.get('plain')?.rules.map(({ statements }) => statements)).toEqual([
      null,
      null,
      null,
      [{ kind: 'accept' }],
    ]);
    expect(read.value.sets.get('strange')).toEqual({ set: null, elements: [] });
    expect([...read.value.sets.keys()].toSorted()).toEqual(['counted', 'strange']);
    expect(await place[driver].readTable('ip6', 't')).toEqual({ ok: true, value: null });
  });
});
