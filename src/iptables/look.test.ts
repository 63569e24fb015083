import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fail } from '../model/mod.ts';
import type { DataPlane } from '../model/mod.ts';
import { complete, damage, freshBuild, kernel, planeOn, shape, states } from './data-plane.fixture.ts';
import type { FakeIptables } from './fake.ts';
import { settings } from './frontends.fixture.ts';
import type { IptablesPort } from './port.ts';

describe('a look beside the changes', () => {
  /** A look that has read the kernel and has not come back yet. */
  function slowLook(port: FakeIptables): { readonly plane: DataPlane; readonly come: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const looks: Pick<IptablesPort, 'save'> = {
      async save(tables) {
        const saved = await port.save(tables);
        await promise;
        return saved;
      },
    };
    return { plane: planeOn(port, null, looks), come: resolve };
  }

  test('[SP-158] an audit after a look repairs what was damaged, and undoes nothing that was changed meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(states, states, fc.array(fc.nat(10_000), { maxLength: 8 }), async (first, second, victims) => {
        const port = kernel();
        const { plane, come } = slowLook(port);
        await plane.apply(complete(first));
        port.load(damage(port.dump(), victims));
        const looked = plane.look?.();
        const { services } = complete(second);
        const gone = first.map(({ name }) => `ns/${name}`).filter((key) => !services.has(key));
        const change = { settings, services: new Map([...services, ...gone.map((key) => [key, []] as const)]), complete: false };
        // What was damaged may be refused; it is asked for again after the audit, as the reconciler does.
        const report = await plane.apply(change);
        come();
        await looked;
        const audited = await plane.audit();
        expect(audited.problem).toBeNull();
        if (report.failed.size > 0 || report.problem !== null) await plane.apply(change);
        // Damage in a chain that was changed meanwhile is left to the next audit.
        await plane.audit();
        expect(port.dump()).toBe(await freshBuild(second));
        expect((await plane.audit()).operations).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('[SP-158] the audit does not read the kernel again, unless nothing came of the look', async () => {
    const port = kernel();
    let reads = 0;
    const counting: IptablesPort = {
      ...port,
      save: (tables) => {
        reads += 1;
        return port.save(tables);
      },
    };
    const failing = { value: false };
    const plane = planeOn(counting, null, {
      save: async (tables) => (failing.value ? fail('WP_IPTABLES_TIMEOUT', 'took too long') : port.save(tables)),
    });
    await plane.apply(complete([shape]));
    const before = reads;
    port.load(damage(port.dump(), [1, 2, 3]));
    await plane.look?.();
    expect((await plane.audit()).operations).toBeGreaterThan(0);
    expect(reads).toBe(before);
    failing.value = true;
    await plane.look?.();
    expect((await plane.audit()).problem).toBeNull();
    expect(reads).toBe(before + 1);
  });
});
