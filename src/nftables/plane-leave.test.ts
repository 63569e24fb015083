import { expect, test } from 'vitest';
import type { Address } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import { completeChange, describePlane, planeOn, plainShape, readPlaneTable } from './plane.fixture.ts';
import { defineSet } from './transaction.ts';
import type { Command } from './transaction.ts';

const table = { family: 'ip', name: 'kube-proxy' } as const;

test('[SP-157][SP-160] beside a kube-proxy that has synced into the same table only ours leaves it', async () => {
  const port = createFakeNftPort();
  const plane = planeOn(port);
  const beside = { addresses: new Set<Address>() };
  const theirs = defineSet({ name: 'cluster-ips', key: ['ipv4'], size: null });
  const before: Command[] = [
    { kind: 'add-chain', chain: { name: 'services', hook: null } },
    { kind: 'add-set', set: theirs },
    { kind: 'add-rule', chain: 'services', rule: { statements: [{ kind: 'accept' }] } },
  ];
  await port.apply({ table, commands: [{ kind: 'add-table' }, ...before] });
  const alone = describePlane(await readPlaneTable(port));
  await port.apply({ table, commands: [{ kind: 'delete-table' }] });
  await plane.apply(completeChange([plainShape]));
  await port.apply({ table, commands: before });
  const cleaned = await plane.cleanup(beside);
  expect(cleaned.ok && cleaned.value.length).toBeGreaterThan(10);
  expect(describePlane(await readPlaneTable(port))).toBe(alone);
  // One that is not in that mode, or has not synced, has nothing there.
  await port.apply({ table, commands: [{ kind: 'delete-table' }] });
  await plane.apply(completeChange([plainShape]));
  expect(await plane.cleanup(beside)).toEqual({ ok: true, value: ['nftables table ip kube-proxy'] });
  expect(await plane.cleanup(beside)).toEqual({ ok: true, value: [] });
});
