import { describe, expect, test } from 'vitest';
import { families } from '../model/mod.ts';
import { createFakeNftPort } from './fake.ts';
import { kernelNote, kernelObstacle, makeNamespace } from './namespace.fixture.ts';
import type { NftPort } from './port.ts';
import { refusedProblem } from './problem.ts';
import { probeNftables } from './probe.ts';
import type { Command } from './transaction.ts';

/** Refuses the first command of a kind, as a kernel without its module does (ENOENT). */
function lacking(isPart: (command: Command) => boolean): NftPort {
  const port = createFakeNftPort();
  return {
    ...port,
    apply: async (transaction) => {
      const at = transaction.commands.findIndex(isPart);
      if (at < 0) return await port.apply(transaction);
      return { problem: refusedProblem(transaction, at, 2, ''), bytes: 0, messages: 0 };
    },
  };
}

test.each(families)('%s: a probe leaves nothing', async (family) => {
  const port = createFakeNftPort();
  expect(await probeNftables(port, family)).toBeNull();
  expect(await port.readTable(family === 'IPv4' ? 'ip' : 'ip6', 'waypost_probe')).toEqual({ ok: true, value: null });
});

test.each([
  ['fib daddr', 'nft_fib_ipv4'],
  ['"kind":"masquerade"', 'nft_masq'],
  ['"kind":"reject"', 'nft_reject_ipv4'],
  ['"kind":"dnat"', 'nft_nat'],
])('[SP-175] a kernel without %s is refused, and the module is named', async (word, module) => {
  const port = lacking((command) => command.kind === 'add-rule' && JSON.stringify(command.rule.statements).includes(word));
  const problem = await probeNftables(port, 'IPv4');
  expect(problem?.code).toBe('WP_NFT_NO_KERNEL');
  expect(problem?.message).toContain(module);
});

describe.skipIf(kernelObstacle !== null)(`on the kernel${kernelNote}`, () => {
  test.each(['netlink', 'exec'] as const)('%s: everything is there, and nothing of it stays', async (driver) => {
    await using namespace = makeNamespace();
    for (const family of families) expect(await probeNftables(namespace[driver], family)).toBeNull();
    expect(namespace.run(['nft', 'list', 'ruleset'])).toBe('');
  });
});
