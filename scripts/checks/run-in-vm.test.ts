import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { runInVm } from './run-in-vm.ts';

it('counts every file as skipped, with the reason, where there can be no virtual machine', async () => {
  const files = ['test/ipvs/a.test.ts', 'test/ipvs/b.test.ts'];
  const paths = files.map((file) => resolve(file));
  const prepare = async () => ({ ok: false, reason: 'qemu is on holiday' }) as const;
  const said: string[] = [];
  const print = (chunk: Uint8Array | string): number => said.push(String(chunk));
  expect(await runInVm([], paths, { signal: new AbortController().signal, print, prepare })).toEqual({
    passed: 0,
    failures: [],
    skips: files.map((file) => ({
      name: `${file} (all of it)`,
      reason: 'this kernel has no ip_vs, and qemu is on holiday',
    })),
  });
  expect(said.join('')).toBe('\nSKIPPED: the tests of 2 files: this kernel has no ip_vs, and qemu is on holiday\n');
});
