import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeNftPort } from './fake.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import {
  completeChange,
  describePlane,
  planeOn,
  planeShapes,
  planeWish,
  planeSettings,
  readPlaneTable,
} from './plane.fixture.ts';
import type { PlaneShape } from './plane.fixture.ts';

const drivers = ['netlink', 'exec'] as const;

async function freshBuild(list: readonly PlaneShape[]): Promise<string> {
  const port = createFakeNftPort();
  await planeOn(port).apply(completeChange(list));
  return describePlane(await readPlaneTable(port));
}

const states = fc.uniqueArray(planeShapes, { selector: (one) => one.name, maxLength: 40, size: 'max' });

describe.skipIf(kernelObstacle !== null)(`the nftables data plane in a kernel${kernelNote}`, () => {
  it.each(drivers)(
    '%s: a walk ends in what the fake kernel holds, a restart changes nothing',
    { timeout: 120_000 },
    async (driver) => {
      await using namespace = makeNamespace();
      namespace.run(['nft', '-f', '-'], 'table inet other {\n}\n');
      const port = namespace[driver];
      const plane = planeOn(port);
      let last: readonly PlaneShape[] = [];
      for (const next of fc.sample(states, { numRuns: 4, seed: 5 })) {
        const services = planeWish(next);
        for (const { name } of last) if (!services.has(`ns/${name}`)) services.set(`ns/${name}`, []);
        // oxlint-disable-next-line no-await-in-loop -- a history
        const report = await plane.apply({ settings: planeSettings, services, complete: last.length === 0 });
        expect([report.problem, report.failed.size]).toEqual([null, 0]);
        last = next;
      }
      expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(last));
      expect(await planeOn(port).apply(completeChange(last))).toMatchObject({ problem: null, operations: 0 });
      namespace.run(['nft', 'flush', 'table', 'ip', 'kube-proxy']);
      expect((await plane.audit()).operations).toBeGreaterThan(0);
      expect(describePlane(await readPlaneTable(port))).toBe(await freshBuild(last));
      expect(await plane.cleanup()).toEqual({ ok: true, value: ['nftables table ip kube-proxy'] });
      expect(namespace.run(['nft', 'list', 'tables'])).toBe('table inet other\n');
    },
  );
});
