import { expect, test } from 'vitest';
import { explainGeneral, firstLine, isAboutEverything } from './errors.ts';
import { explainRestore } from './explain-restore.ts';
import type { Operation } from './operation.ts';
import type { Batch } from './port.ts';

const base = { table: 'nat' as const, owner: 'shop/cart' };
const batch: Batch = [
  { table: 'nat', operations: [{ kind: 'write-chain', ...base, chain: 'A', rules: ['-j ACCEPT'] }] },
  {
    table: 'nat',
    operations: [
      {
        kind: 'write-chain',
        ...base,
        chain: 'B',
        rules: ['-m comment --comment "-j GONE"', '-m recent --set --name X -j C', '-j GONE'],
      },
      { kind: 'delete-rule', ...base, chain: 'P', rule: '-j D' },
      { kind: 'append-rule', ...base, chain: 'P', rule: '-g LOST' },
      { kind: 'insert-rule', ...base, chain: 'P', position: 3, rule: '-j E' },
      { kind: 'delete-chain', ...base, chain: 'Q' },
    ],
  },
];

// Lines of the second section: 6 "# 1", 7 "*nat", 8 ":B", 9 to 11 its rules, 12 "-D", 13 "-A", 14 "-I", 15 "-F", 16 "-X", 17 COMMIT.
const cases: readonly (readonly [said: string, code: string, operation: Operation['kind'] | null, word: string])[] = [
  ['iptables-restore: line 12 failed\n', 'NO_RULE', 'delete-rule', 'does not exist'],
  [
    'iptables-nft-restore: line 12 failed: Bad rule (does a matching rule exist in that chain?).\n',
    'NO_RULE',
    'delete-rule',
    'P',
  ],
  ['iptables-restore: line 13 failed\n', 'NO_CHAIN', 'append-rule', 'P'],
  ['iptables-nft-restore: line 14 failed: Index of insertion too big.\n', 'NO_RULE', 'insert-rule', 'place'],
  ['iptables-nft-restore: line 14 failed: No chain/target/match by that name.\n', 'NO_CHAIN', 'insert-rule', 'P'],
  ['iptables-restore: line 14 failed\n', 'NO_RULE', 'insert-rule', 'place'],
  ['iptables-restore: line 15 failed\n', 'NO_CHAIN', 'delete-chain', 'Q'],
  ['iptables-restore: line 16 failed\n', 'IN_USE', 'delete-chain', 'jumped to'],
  [
    'iptables-nft-restore v1.8.9 (nf_tables): \nline 16: CHAIN_DEL failed (Device or resource busy): chain Q\n',
    'IN_USE',
    'delete-chain',
    'jumped to',
  ],
  ['iptables-restore: line 17 failed\n', 'REFUSED', null, 'kernel refused'],
  ['iptables-restore: line 17 failed: Too many levels of symbolic links.\n', 'REFUSED', null, 'symbolic'],
  [
    'iptables-nft-restore v1.8.9 (nf_tables): \nline 11: RULE_APPEND failed (Too many links): rule in chain B\n',
    'REFUSED',
    'write-chain',
    'Too many links',
  ],
  [
    'iptables-nft-restore v1.8.9 (nf_tables): \nline 10: RULE_APPEND failed (No such file or directory): rule in chain B\n',
    'NO_MATCH',
    'write-chain',
    'recent',
  ],
  [
    'Warning: Extension recent revision 0 not supported, missing kernel module?\niptables-restore: line 17 failed\n',
    'NO_MATCH',
    'write-chain',
    'recent',
  ],
  [
    "iptables-restore v1.8.9 (legacy): Couldn't load match `recent':No such file or directory\n\nError occurred at line: 10\n",
    'NO_MATCH',
    'write-chain',
    'recent',
  ],
  [
    "iptables-restore v1.8.9 (legacy): Couldn't load target `MASQUERADE':No such file or directory\n\nError occurred at line: 11\n",
    'NO_MATCH',
    'write-chain',
    'MASQUERADE',
  ],
  [
    "iptables-restore v1.8.9 (legacy): Couldn't load target `GONE':No such file or directory\n\nError occurred at line: 11\n",
    'NO_CHAIN',
    'write-chain',
    'GONE',
  ],
  [
    "iptables-restore v1.8.9 (legacy): goto 'LOST' is not a chain\nError occurred at line: 13\n",
    'NO_CHAIN',
    'append-rule',
    'LOST',
  ],
  [
    "iptables-nft-restore v1.8.9 (nf_tables): Chain 'LOST' does not exist\nError occurred at line: 17\n",
    'NO_CHAIN',
    'append-rule',
    'LOST',
  ],
  [
    "iptables-nft-restore v1.8.9 (nf_tables): Chain 'ELSEWHERE' does not exist\nError occurred at line: 17\n",
    'NO_CHAIN',
    null,
    'ELSEWHERE',
  ],
  ['iptables-restore v1.8.9 (legacy): unknown option "--bar"\nError occurred at line: 9\n', 'REFUSED', 'write-chain', '--bar'],
  ['', 'REFUSED', null, 'without a word'],
  ['Another app is currently holding the xtables lock. Stopped waiting after 5s.\n', 'LOCKED', null, 'lock'],
  [
    "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\nError occurred at line: 7\n",
    'NO_TABLE',
    null,
    'table',
  ],
];

test.each(cases)('%j is %s', (said, code, operation, word) => {
  const failure = explainRestore({ tool: 'the-tool', status: 1, stderr: said, stdout: '# 0\n# 1\n' }, batch);
  expect(failure.problem.code).toBe(`WP_IPTABLES_${code}`);
  expect(failure.problem.message).toContain(word);
  expect(failure.problem.message).toMatch(/^the-tool/);
  expect(failure.section).toBe(1);
  expect(failure.operation?.kind ?? null).toBe(operation);
});

test('a comment that reads like a jump is not blamed', () => {
  const said = "Chain 'GONE' does not exist\nError occurred at line: 17\n";
  const decoy: Operation = { kind: 'append-rule', ...base, chain: 'P', rule: '-m comment --comment "-j GONE" -j HERE' };
  const culprit: Operation = { kind: 'append-rule', ...base, chain: 'P', rule: '-j GONE' };
  const failure = explainRestore({ tool: 't', status: 2, stderr: said, stdout: '# 0\n' }, [
    { table: 'nat', operations: [decoy, culprit] },
  ]);
  expect(failure.operation).toBe(culprit);
});

function general(status: number, stderr: string): ReturnType<typeof explainGeneral> {
  return explainGeneral({ tool: 't', status, stderr });
}

test('what concerns every batch is told from what concerns one', () => {
  for (const problem of [
    general(127, 'sh: exec: t: not found'),
    general(4, "Fatal: can't open lock file /run/xtables.lock: Read-only file system"),
    general(4, 't v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)'),
    general(1, "t: can't initialize ip6tables table `nat': Address family not supported by protocol"),
  ]) {
    expect(problem !== null && isAboutEverything(problem)).toBe(true);
  }
  expect(general(1, 'iptables-restore: line 3 failed')).toBeNull();
  expect(isAboutEverything({ code: 'WP_IPTABLES_NO_MATCH', message: '' })).toBe(false);
});

test("the first line that says something, without the program's name", () => {
  expect(firstLine('iptables-nft-restore v1.8.9 (nf_tables): \n\nline 3: X failed\n')).toBe('line 3: X failed');
  expect(firstLine('ip6tables-restore: line 3 failed')).toBe('line 3 failed');
  expect(firstLine('\n')).toBe('');
});
