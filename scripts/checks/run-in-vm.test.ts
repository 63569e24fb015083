import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { runInVm } from './run-in-vm.ts';

it('counts every file as skipped, with the reason, where there can be no virtual machine', async () => {
  const files = ['test/ipvs/a.test.ts', 'test/ipvs/b.test.ts'];
  const paths = files.map((file) => resolve(file));
  const prepare = async () => ({ ok: false, reason: 'qemu is on holiday' }) as const;
  expect(await runInVm([], paths, new AbortController().signal, prepare)).toEqual({
    passed: 0,
    failures: [],
    skips: files.map((file) => ({
      name: `${file} (all of it)`,
      reason: 'this kernel has no ip_vs, and qemu is on holiday',
    })),
  });
});
