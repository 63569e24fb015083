import { expect, test } from 'vitest';
import { chooseVariant, countRules, hasHint, parseVersion } from './detect.ts';
import type { Evidence, VariantEvidence } from './detect.ts';
import { detectIptables } from './driver-detect.ts';
import { createShell } from './driver-shell.ts';
import { describeOnKernel, makeNamespace } from './kernel.fixture.ts';

const unused: VariantEvidence = { version: [1, 8, 9], hinted: false, rules: 0 };
const standardNft: Evidence['standard'] = { variant: 'nft', version: [1, 8, 9] };

test.each<[string, Evidence, string]>([
  ['hints in nft', { variants: { nft: { ...unused, hinted: true }, legacy: { ...unused, rules: 900 } }, standard: null }, 'nft'],
  [
    'hints in legacy',
    { variants: { nft: { ...unused, rules: 900 }, legacy: { ...unused, hinted: true } }, standard: standardNft },
    'legacy',
  ],
  [
    'hints in both',
    { variants: { nft: { ...unused, hinted: true }, legacy: { ...unused, hinted: true } }, standard: null },
    'nft',
  ],
  [
    'more rules in legacy',
    { variants: { nft: { ...unused, rules: 3 }, legacy: { ...unused, rules: 4 } }, standard: standardNft },
    'legacy',
  ],
  [
    'as many rules in both',
    { variants: { nft: unused, legacy: unused }, standard: { variant: 'legacy', version: [1, 8, 9] } },
    'legacy',
  ],
  ['no rules, no standard', { variants: { nft: unused, legacy: unused }, standard: null }, 'nft'],
  ['only legacy', { variants: { nft: null, legacy: unused }, standard: null }, 'legacy'],
])('the variant with %s', (_, evidence, variant) => {
  const choice = chooseVariant(evidence);
  expect(choice.ok && choice.value).toMatchObject({ variant, plain: false });
});

test('tools without a variant in their name are used where there are no others', () => {
  const choice = chooseVariant({ variants: { nft: null, legacy: null }, standard: { variant: 'legacy', version: [1, 6, 2] } });
  expect(choice.ok && choice.value).toMatchObject({ variant: 'legacy', plain: true, version: [1, 6, 2] });
});

test.each<[string, Evidence]>([
  ['no tools', { variants: { nft: null, legacy: null }, standard: null }],
  ['tools that cannot wait for the lock', { variants: { nft: null, legacy: { ...unused, version: [1, 6, 1] } }, standard: null }],
])('%s are a problem', (_, evidence) => {
  const choice = chooseVariant(evidence);
  expect(choice.ok ? null : choice.problem.code).toBe('WP_IPTABLES_TOOL_MISSING');
});

test('versions', () => {
  expect(parseVersion('iptables v1.8.9 (nf_tables)\n')).toEqual({ variant: 'nft', version: [1, 8, 9] });
  expect(parseVersion('iptables-restore v1.8.13 (legacy)')).toEqual({ variant: 'legacy', version: [1, 8, 13] });
  expect(parseVersion('iptables v1.6.2')).toEqual({ variant: 'legacy', version: [1, 6, 2] });
  expect(parseVersion('iptables v1.9')).toEqual({ variant: 'legacy', version: [1, 9, 0] });
  expect(parseVersion('command not found')).toBeNull();
});

test('hints and rules in the output of iptables-save', () => {
  const saved =
    '*mangle\n:INPUT ACCEPT [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\n-A INPUT -j ACCEPT\n-A INPUT -m comment --comment "-A x"\nCOMMIT\n';
  expect(hasHint(saved)).toBe(true);
  expect(hasHint(saved.replace('HINT', 'HINTS'))).toBe(false);
  expect(countRules(saved)).toBe(2);
});

/** Runs a script in a fresh namespace, then looks. */
async function detect(
  script: (run: (argv: readonly string[], input?: string) => string) => void,
): Promise<{ found: unknown; legacyTables: string }> {
  using space = makeNamespace();
  script((argv, input) => space.run(argv, input));
  const shell = createShell();
  const found = await detectIptables({ shell, commandPrefix: space.prefix });
  await shell.close();
  return {
    found: found.ok ? found.value.variant : found.problem,
    legacyTables: space.run(['cat', '/proc/self/net/ip_tables_names']),
  };
}

describeOnKernel('the variant this host uses', () => {
  test.each(['nft', 'legacy'] as const)('is where kubelet left its chain: %s', async (variant) => {
    const hint = '*mangle\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n';
    const other = variant === 'nft' ? 'legacy' : 'nft';
    const { found } = await detect((run) => {
      run([`ip6tables-${variant}-restore`, '--noflush'], hint);
      run([`iptables-${other}-restore`, '--noflush'], '*filter\n-A INPUT -j ACCEPT\nCOMMIT\n');
    });
    expect(found).toBe(variant);
  });

  test.each(['nft', 'legacy'] as const)('is where more rules are: %s', async (variant) => {
    const { found } = await detect(
      (run) => void run([`iptables-${variant}-restore`, '--noflush'], '*filter\n-A INPUT -j ACCEPT\nCOMMIT\n'),
    );
    expect(found).toBe(variant);
  });

  test('is the standard where nothing is used, and looking leaves no legacy table behind', async () => {
    const { found, legacyTables } = await detect(() => undefined);
    expect(['nft', 'legacy']).toContain(found);
    expect(legacyTables).toBe('');
  });
});
