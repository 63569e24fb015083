import { describe, expect, test } from 'vitest';
import type { Family } from '../model/mod.ts';
import { createExecPort } from './driver-exec.ts';
import { createShell } from './driver-shell.ts';
import type { IptablesCode } from './errors.ts';
import { createFakeIptables, dumpRuleset } from './fake.ts';
import { describeOnKernel, makeNamespace } from './kernel.fixture.ts';
import type { Operation } from './operation.ts';
import type { Batch, BatchFailure, IptablesPort } from './port.ts';
import type { RuleText, TableName } from './rule.ts';
import { hairpinProgram } from './bpf-programs.ts';

const base = { table: 'nat' as TableName, owner: 'shop/cart' };
const write = (chain: string, ...rules: RuleText[]): Operation => ({ kind: 'write-chain', ...base, chain, rules });
const append = (chain: string, rule: RuleText): Operation => ({ kind: 'append-rule', ...base, chain, rule });
const insert = (chain: string, position: number, rule: RuleText): Operation => ({
  kind: 'insert-rule',
  ...base,
  chain,
  position,
  rule,
});
const remove = (chain: string, rule: RuleText): Operation => ({ kind: 'delete-rule', ...base, chain, rule });
const drop = (chain: string): Operation => ({ kind: 'delete-chain', ...base, chain });
const nat = (...operations: Operation[]): Batch[number] => ({ table: 'nat', operations });
const filter = (...operations: Operation[]): Batch[number] => ({
  table: 'filter',
  operations: operations.map((one) => ({ ...one, table: 'filter' as const })),
});

interface Expected {
  readonly code: IptablesCode;
  readonly section: number;
  /** What must be blamed; null where a port may blame nothing (the legacy tool says nothing at COMMIT). */
  readonly operation: Operation['kind'] | null;
}

interface Scenario {
  readonly title: string;
  readonly batch: Batch;
  /** The fake takes rules it does not know on trust. */
  readonly needsTool?: true;
  /** Undefined: accepted. */
  readonly failure?: Expected;
  /** Declarations and rules of chains that are not built in, and rules in built-in ones, afterwards. */
  readonly lines: readonly string[];
}

/** What every scenario starts from. */
const start: Batch = [nat(write('A', '-j B', '-d 1.1.1.1/32 -j C'), write('B', '-j RETURN'), write('C'))];
const before = [':A', ':B', ':C', '-A A -j B', '-A A -d 1.1.1.1/32 -j C', '-A B -j RETURN'];

const scenarios: readonly Scenario[] = [
  { title: 'an empty batch changes nothing', batch: [], lines: before },
  {
    title: 'chains written together may jump to each other in any order',
    batch: [nat(write('X', '-j Y'), write('Y', '-j Z'), write('Z', '-j ACCEPT'), insert('PREROUTING', 1, '-j X'))],
    lines: [
      ':A',
      ':B',
      ':C',
      ':X',
      ':Y',
      ':Z',
      '-A PREROUTING -j X',
      ...before.slice(3),
      '-A X -j Y',
      '-A Y -j Z',
      '-A Z -j ACCEPT',
    ],
  },
  {
    title: 'writing a chain replaces its rules and leaves jumps to it alone',
    batch: [nat(write('B', '-j ACCEPT'))],
    lines: [...before.slice(0, 5), '-A B -j ACCEPT'],
  },
  {
    title: 'rules go in at the end and at counted places',
    batch: [
      nat(
        append('A', '-j ACCEPT'),
        insert('A', 1, '-s 9.9.9.9/32 -j C'),
        insert('A', 3, '-s 8.8.8.8/32 -j C'),
        remove('A', '-j B'),
      ),
    ],
    lines: [
      ':A',
      ':B',
      ':C',
      '-A A -s 9.9.9.9/32 -j C',
      '-A A -s 8.8.8.8/32 -j C',
      '-A A -d 1.1.1.1/32 -j C',
      '-A A -j ACCEPT',
      '-A B -j RETURN',
    ],
  },
  {
    title: 'the first of two equal rules is deleted',
    batch: [nat(append('A', '-j C'), append('A', '-j ACCEPT'), append('A', '-j C')), nat(remove('A', '-j C'))],
    lines: [...before.slice(0, 5), '-A A -j ACCEPT', '-A A -j C', '-A B -j RETURN'],
  },
  { title: 'chains that refer to each other are deleted together, filled', batch: [nat(drop('B'), drop('A'))], lines: [':C'] },
  {
    title: 'a chain goes in the section in which the last jump to it goes',
    batch: [nat(drop('C'), drop('B'), remove('A', '-j B'), remove('A', '-d 1.1.1.1/32 -j C'))],
    lines: [':A'],
  },
  {
    title: 'a chain goes in the section in which the chain that jumped to it is rewritten',
    batch: [nat(write('A', '-j C'), drop('B'))],
    lines: [':A', ':C', '-A A -j C'],
  },
  {
    title: 'a chain that is still jumped to stays',
    batch: [nat(append('A', '-j ACCEPT'), drop('B'))],
    failure: { code: 'WP_IPTABLES_IN_USE', section: 0, operation: 'delete-chain' },
    lines: before,
  },
  {
    title: 'deleting an absent chain fails',
    batch: [nat(drop('MISSING'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 0, operation: 'delete-chain' },
    lines: before,
  },
  {
    title: 'a jump to nowhere fails',
    batch: [nat(write('X', '-j ACCEPT'), write('Y', '-j ACCEPT', '-j MISSING'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 0, operation: 'write-chain' },
    lines: before,
  },
  {
    title: 'a goto to nowhere fails',
    batch: [nat(append('A', '-g MISSING'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 0, operation: 'append-rule' },
    lines: before,
  },
  {
    title: 'appending to an absent chain fails',
    batch: [nat(append('MISSING', '-j ACCEPT'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 0, operation: 'append-rule' },
    lines: before,
  },
  {
    title: 'inserting into an absent chain fails',
    batch: [nat(insert('MISSING', 1, '-j ACCEPT'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 0, operation: 'insert-rule' },
    lines: before,
  },
  {
    title: 'inserting beyond the end fails',
    batch: [nat(insert('A', 9, '-j ACCEPT'))],
    failure: { code: 'WP_IPTABLES_NO_RULE', section: 0, operation: 'insert-rule' },
    lines: before,
  },
  {
    title: 'deleting an absent rule fails',
    batch: [nat(remove('A', '-j ACCEPT'))],
    failure: { code: 'WP_IPTABLES_NO_RULE', section: 0, operation: 'delete-rule' },
    lines: before,
  },
  {
    title: 'deleting from an absent chain fails',
    batch: [nat(remove('MISSING', '-j ACCEPT'))],
    failure: { code: 'WP_IPTABLES_NO_RULE', section: 0, operation: 'delete-rule' },
    lines: before,
  },
  {
    title: 'sections before the failed one stay, the others do not happen',
    batch: [nat(write('X', '-j ACCEPT')), filter(write('F', '-j ACCEPT'), append('F', '-j MISSING')), nat(write('Y'))],
    failure: { code: 'WP_IPTABLES_NO_CHAIN', section: 1, operation: 'append-rule' },
    lines: [':A', ':B', ':C', ':X', ...before.slice(3), '-A X -j ACCEPT'],
  },
  {
    title: 'a loop that a hook reaches is refused',
    batch: [nat(insert('B', 1, '-j A'), insert('OUTPUT', 1, '-j A'))],
    failure: { code: 'WP_IPTABLES_REFUSED', section: 0, operation: null },
    lines: before,
  },
  {
    title: 'masquerading below PREROUTING is refused',
    batch: [nat(write('X', '-j MASQUERADE'), insert('PREROUTING', 1, '-j X'))],
    failure: { code: 'WP_IPTABLES_REFUSED', section: 0, operation: null },
    lines: before,
  },
  {
    title: 'rejecting in nat is refused',
    batch: [filter(write('F', '-j ACCEPT')), nat(append('A', '-p tcp -j REJECT --reject-with tcp-reset'))],
    failure: { code: 'WP_IPTABLES_REFUSED', section: 1, operation: null },
    lines: [...before, ':F', '-A F -j ACCEPT'],
  },
  {
    title: 'dropping in nat is refused',
    batch: [nat(append('A', '-j DROP'))],
    failure: { code: 'WP_IPTABLES_REFUSED', section: 0, operation: 'append-rule' },
    lines: before,
  },
  {
    title: 'an unknown option is refused',
    needsTool: true,
    batch: [nat(append('A', '-p tcp -m tcp --no-such-option 5 -j RETURN'))],
    failure: { code: 'WP_IPTABLES_REFUSED', section: 0, operation: 'append-rule' },
    lines: before,
  },
];

interface Subject {
  readonly name: string;
  readonly real: boolean;
  readonly family: Family;
  open(): { readonly port: IptablesPort; close(): Promise<void> };
}

const subjects: Subject[] = (['IPv4', 'IPv6'] as const).flatMap((family): Subject[] => [
  { name: `the fake, ${family}`, real: false, family, open: () => openFake(family) },
  ...(['legacy', 'nft'] as const).map((variant) => ({
    name: `the ${variant} tools, ${family} [SP-163]`,
    real: true,
    family,
    open: () => openReal(family, variant),
  })),
]);

function openFake(family: Family): ReturnType<Subject['open']> {
  const port = createFakeIptables(family);
  return { port, close: () => port.close() };
}

function openReal(family: Family, variant: 'legacy' | 'nft'): ReturnType<Subject['open']> {
  const space = makeNamespace();
  const port = createExecPort({ family, variant, shell: createShell(), commandPrefix: space.prefix });
  const close = async (): Promise<void> => {
    await port.close();
    space[Symbol.dispose]();
  };
  return { port, close };
}

/** IPv4 addresses of the scenarios, as IPv6. */
function inFamily<T>(value: T, family: Family): T {
  if (family === 'IPv4') return value;
  return JSON.parse(JSON.stringify(value).replace(/(\d)\.\d\.\d\.\d\/32/g, 'fd00::$1/128')) as T;
}

async function readLines(port: IptablesPort): Promise<string[]> {
  const saved = await port.save(['filter', 'nat']);
  if (!saved.ok) throw new Error(saved.problem.message);
  const lines = dumpRuleset(saved.value).split('\n');
  return lines
    .filter((line) => /^(?::\S+ -|-A)/.test(line))
    .map((line) => (line.startsWith(':') ? (line.split(' ')[0] ?? '') : line));
}

/** The culprit's kind and owner; null where nobody is blamed. */
function blamed(failure: BatchFailure | null): readonly [string, string | null] | null {
  return failure === null || failure.operation === null ? null : [failure.operation.kind, failure.operation.owner];
}

function blamedKind(expected: Expected | undefined): readonly [string, string] | null {
  return expected === undefined || expected.operation === null ? null : [expected.operation, 'shop/cart'];
}

for (const subject of subjects) {
  (subject.real ? describeOnKernel : describe)(`conformance of ${subject.name}`, () => {
    test.each(scenarios.filter((one) => subject.real || one.needsTool !== true))('$title', async ({ batch, failure, lines }) => {
      const { port, close } = subject.open();
      try {
        expect((await port.restore(inFamily(start, subject.family))).failure).toBeNull();
        const result = await port.restore(inFamily(batch, subject.family));
        expect(result.failure?.problem.code).toBe(failure?.code);
        expect(result.failure?.section).toBe(failure?.section);
        expect(failure?.operation === null ? null : blamed(result.failure)).toEqual(blamedKind(failure));
        expect(result.bytes > 0).toBe(batch.length > 0);
        expect(await readLines(port)).toEqual(inFamily([...lines], subject.family));
      } finally {
        await close();
      }
    });

    test('a fresh kernel shows every built-in chain of the tables asked for, and no other table', async () => {
      const { port, close } = subject.open();
      try {
        const saved = await port.save(['nat', 'mangle']);
        const names = saved.ok ? [...saved.value].map(([table, { chains }]) => [table, [...chains.keys()]]) : saved.problem;
        expect(names).toEqual([
          ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
          ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
        ]);
      } finally {
        await close();
      }
    });

    test('every kind of rule reads back as it was written', async () => {
      const { port, close } = subject.open();
      const rules = everyKind(subject.family);
      try {
        expect((await port.restore([nat(write('K', ...rules), write('L'))])).failure).toBeNull();
        const saved = await port.save(['nat']);
        expect(saved.ok && saved.value.get('nat')?.chains.get('K')?.rules).toEqual(rules);
        expect((await port.restore([nat(...rules.map((rule) => remove('K', rule)), drop('L'), drop('K'))])).failure).toBeNull();
        expect(await readLines(port)).toEqual([]);
      } finally {
        await close();
      }
    });
  });
}

function everyKind(family: Family): RuleText[] {
  const six = family === 'IPv6';
  const own = six ? 'fd00::1/128' : '10.0.0.1/32';
  const mask = six ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255';
  return [
    `-d ${own} -p tcp -m comment --comment "a b" -m tcp --dport 80 -j L`,
    `-d ${six ? '::2/::f' : '0.0.0.2/0.0.0.15'} -g L`,
    '-p udp -m udp --dport 30000:30015 -j L',
    '-m conntrack --ctstate NEW,DNAT -j L',
    '-m addrtype ! --src-type LOCAL -j L',
    '-m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-m statistic --mode random --probability 0.33333333349 -j L',
    `-m recent --update --seconds 5 --reap --name KUBE-SEP-X --mask ${mask} --rsource -j L`,
    `-m recent --set --name KUBE-SEP-X --mask ${mask} --rsource -j L`,
    `-m bpf --bytecode "${hairpinProgram(family)}" -j L`,
    '-j MARK --set-xmark 0x4000/0x4000',
    '-m comment --comment foreign -m limit --limit 5/sec -j L',
    `-p tcp -j DNAT --to-destination ${six ? '[fd00::2]' : '10.0.0.2'}:8080`,
  ];
}
