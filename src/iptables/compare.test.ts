import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DataPlane, Difference } from '../model/mod.ts';
import { complete, kernel, planeOn, shape } from './data-plane.fixture.ts';
import type { FakeIptables } from './fake.ts';
import { createFakeSets } from './fake-sets.ts';
import { settings, shapes } from './frontends.fixture.ts';

async function compare(plane: DataPlane): Promise<readonly Difference[]> {
  const compared = await plane.compare();
  if (!compared.ok) throw new Error(compared.problem.message);
  return compared.value;
}

/** A plane that has written one Service, and what stands then. */
async function written(): Promise<{ readonly port: FakeIptables; readonly plane: DataPlane; readonly right: string }> {
  const port = kernel();
  const plane = planeOn(port);
  await plane.apply(complete([shape]));
  return { port, plane, right: port.dump() };
}

/** Lines of the kernel that fit, in order. */
function linesOf(port: FakeIptables, pattern: RegExp): readonly string[] {
  return port
    .dump()
    .split('\n')
    .filter((line) => pattern.test(line));
}

/** Comparing changes nothing; an audit then repairs all of it, and nothing is left to tell. */
async function expectRepair(port: FakeIptables, plane: DataPlane, right: string): Promise<void> {
  const [before, restores] = [port.dump(), port.restores];
  await compare(plane);
  expect([port.dump(), port.restores]).toEqual([before, restores]);
  const report = await plane.audit();
  expect([report.problem, report.operations > 0, port.dump()]).toEqual([null, true, right]);
  expect(await compare(plane)).toEqual([]);
}

const service = `ns/${shape.name}`;

describe('what an audit would put right is told', () => {
  test('where a rule was deleted', async () => {
    const { port, plane, right } = await written();
    const [rule = ''] = linesOf(port, /^-A KUBE-SVC-.*statistic/);
    port.load(right.replace(`${rule}\n`, ''));
    expect(await compare(plane)).toEqual([{ service, place: 'iptables nat', held: null, wanted: rule }]);
    await expectRepair(port, plane, right);
  });

  test('where a rule was changed', async () => {
    const { port, plane, right } = await written();
    const [rule = ''] = linesOf(port, /^-A KUBE-SVC-.*--to-destination 10\.244\.0\.1:8080/);
    const changed = rule.replace('10.244.0.1:8080', '10.244.0.9:8080');
    port.load(right.replace(rule, changed));
    expect(await compare(plane)).toEqual([{ service, place: 'iptables nat', held: changed, wanted: rule }]);
    await expectRepair(port, plane, right);
  });

  test('where somebody added a rule to a chain of ours, and a chain with a name of ours', async () => {
    const { port, plane, right } = await written();
    const stray = '-A KUBE-SERVICES -d 10.96.77.77/32 -j ACCEPT';
    port.load(right.replace('*nat\n', '*nat\n:KUBE-SVC-LEFTOVER - [0:0]\n').replace(/COMMIT\n$/, `${stray}\nCOMMIT\n`));
    expect(await compare(plane)).toEqual([
      { service: null, place: 'iptables filter', held: stray, wanted: null },
      { service: null, place: 'iptables nat', held: ':KUBE-SVC-LEFTOVER - [0:0]', wanted: null },
    ]);
    await expectRepair(port, plane, right);
  });

  test('where a jump from a built-in chain is gone, and rules of others do not count', async () => {
    const { port, plane, right } = await written();
    const [jump = ''] = linesOf(port, /^-A OUTPUT .*-j KUBE-SERVICES/);
    port.load(right.replaceAll(`${jump}\n`, ''));
    const found = await compare(plane);
    expect(found.map(({ held, wanted }) => [held, wanted])).toEqual(found.map(() => [null, jump]));
    expect(found.length).toBeGreaterThan(0);
    port.load(right.replace('-A POSTROUTING -s 172.16.0.0/12', '-A POSTROUTING -s 172.20.0.0/16'));
    expect(await compare(plane)).toEqual([]);
  });

  test('where everything was flushed', async () => {
    const { port, plane } = await written();
    const rules = linesOf(port, /^-A .*KUBE-/).length;
    const chains = linesOf(port, /^:KUBE-/).length;
    port.load('');
    const found = await compare(plane);
    expect(found.every(({ held }) => held === null)).toBe(true);
    expect(found.length).toBe(rules + chains);
    await plane.audit();
    expect(await compare(plane)).toEqual([]);
  });

  test('of sets of remembered clients', async () => {
    const port = kernel();
    const sets = createFakeSets(() => port.dump());
    const plane = planeOn(port, sets);
    await plane.apply(complete([{ ...shape, affinity: 60 }]));
    expect(await compare(plane)).toEqual([]);
    await sets.create(['KUBE-LEFTOVER']);
    expect(await compare(plane)).toEqual([{ service: null, place: 'ipset', held: 'KUBE-LEFTOVER', wanted: null }]);
    await plane.audit();
    expect(await compare(plane)).toEqual([]);
  });
});

describe('comparing', () => {
  test('says nothing before anything was applied, and tells when the kernel cannot be read', async () => {
    const port = kernel();
    expect(await compare(planeOn(port))).toEqual([]);
    const problem = { code: 'WP_TEST', message: 'no answer' } as const;
    let broken = false;
    const plane = planeOn({ ...port, save: async (tables) => (broken ? { ok: false, problem } : port.save(tables)) });
    await plane.apply(complete([shape]));
    broken = true;
    expect(await plane.compare()).toEqual({ ok: false, problem });
  });

  test('does not make a later change look where it would not have looked', async () => {
    const { port, plane, right } = await written();
    const [rule = ''] = linesOf(port, /^-A KUBE-SVC-.*statistic/);
    port.load(right.replace(`${rule}\n`, ''));
    await compare(plane);
    const other = { ...shape, name: 'other', number: 9, nodePort: 0 };
    const change = { ...complete([other]), complete: false };
    const report = await plane.apply(change);
    expect(report.problem).toBeNull();
    expect(linesOf(port, /^-A KUBE-SVC-.*statistic/)).not.toContain(rule);
    expect((await compare(plane)).map(({ wanted }) => wanted)).toEqual([rule]);
  });

  test('property: finds nothing after any change, and after each audit of a kernel that lost random lines', async () => {
    const states = fc.uniqueArray(shapes, { selector: (one) => one.name, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(states, states, fc.array(fc.nat(), { maxLength: 5 }), async (before, after, lost) => {
        const port = kernel();
        const plane = planeOn(port);
        for (const list of [before, after]) {
          await plane.apply(complete(list));
          expect(await compare(plane)).toEqual([]);
        }
        const right = port.dump();
        const rules = linesOf(port, /^-A KUBE-/);
        const gone = new Set(lost.map((at) => rules[at % rules.length] ?? ''));
        port.load(
          right
            .split('\n')
            .filter((line) => !gone.has(line))
            .join('\n'),
        );
        const told = new Set((await compare(plane)).map(({ wanted }) => wanted));
        expect(told).toEqual(gone);
        await plane.audit();
        expect([await compare(plane), port.dump()]).toEqual([[], right]);
        await plane.apply({ settings, services: new Map(), complete: true });
        expect(await compare(plane)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
