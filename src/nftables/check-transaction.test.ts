import { describe, expect, test } from 'vitest';
import { checkTransaction } from './check-transaction.ts';
import { inSet, match, matchNot } from './expression.ts';
import type { Source, Statement } from './expression.ts';
import { buildSamples, makeSamples, prefix } from './samples.fixture.ts';
import { defineSet } from './transaction.ts';
import type { Command, SetDefinition, TableFamily } from './transaction.ts';

function reasonFor(family: TableFamily, ...commands: readonly Command[]): string {
  return checkTransaction({ table: { family, name: 't' }, commands })?.message ?? 'fine';
}

const rule = (...statements: readonly Statement[]): Command => ({ kind: 'add-rule', chain: 'c', rule: { statements } });
const set = (definition: Partial<SetDefinition>): Command => ({
  kind: 'add-set',
  set: defineSet({ name: 's', key: ['ipv4'], ...definition }),
});
const random = (modulus: number): Source => ({ kind: 'random', modulus });

describe('what is refused before anything is sent', () => {
  test.each(['ip', 'ip6'] as const)('none of the %s samples', (family) => {
    expect(checkTransaction(buildSamples(makeSamples(family)))).toBeNull();
  });

  const statements: readonly (readonly [string, TableFamily, readonly Statement[], string])[] = [
    ['no statements', 'ip', [], 'no statements'],
    ['a field of the other family', 'ip', [match('ip6 saddr', 'fd00::1')], 'no field ip6 saddr'],
    ['an address of the other family', 'ip', [match('ip saddr', 'fd00::1')], 'can be compared'],
    ['a prefix of the other family', 'ip6', [match('ip6 saddr', prefix('10.0.0.0/8'))], 'can be compared'],
    ['a port beyond its bits', 'ip', [match('dport', 65_536)], 'can be compared'],
    ['a range backwards', 'ip', [match('dport', { from: 90, to: 80 })], 'can be compared'],
    ['a range of marks', 'ip', [match('mark', { from: 1, to: 2 })], 'can be compared'],
    ['a state that is none', 'ip', [match('ct state', { anyOf: ['new', 'old'] })], 'can be compared'],
    ['states negated', 'ip', [matchNot('ct state', { anyOf: ['new'] })], 'can be compared'],
    ['an interface name with a wildcard of its own', 'ip', [match('iifname', 'veth*')], 'can be compared'],
    ['a wildcard that ends the quotes', 'ip', [match('iifname', { startsWith: 'a" accept' })], 'can be compared'],
    ['a set name that ends the statement', 'ip', [inSet(['mark'], 's; accept')], 'is not a name'],
    ['a chain name that is none', 'ip', [{ kind: 'goto', chain: '' }], 'is not a name'],
    ['an original port before any protocol', 'ip', [match('ct original proto-dst', 80)], 'behind a match of l4proto'],
    ['an original port in a key', 'ip', [match('l4proto', 6), inSet(['ct original proto-dst'], 's')], 'stands in no key'],
    [
      'translation before any protocol',
      'ip',
      [{ kind: 'dnat', to: { address: '10.0.0.1', port: 80 } }],
      'behind a match of l4proto',
    ],
    [
      'translation to the other family',
      'ip6',
      [match('l4proto', 6), { kind: 'dnat', to: { address: '10.0.0.1', port: 80 } }],
      'no target',
    ],
    [
      'translation in a table of both families',
      'inet',
      [match('l4proto', 6), { kind: 'dnat', to: { key: ['mark'], map: 'm' } }],
      'no target',
    ],
    ['nothing to choose from', 'ip', [{ kind: 'vmap', key: [random(0)], map: 'm' }], 'modulus'],
    ['a mark of 33 bits', 'ip', [{ kind: 'mark', to: 2 ** 32 }], 'not a mark'],
    ['a port written over an address', 'ip', [{ kind: 'rewrite', field: 'ip daddr', to: 80 }], 'not a value'],
    [
      'a timeout of half a second',
      'ip',
      [{ kind: 'update', operation: 'add', set: 's', key: ['mark'], timeoutSeconds: 0.5, value: null }],
      'timeout',
    ],
    [
      'a map filled under several fields',
      'ip',
      [{ kind: 'update', operation: 'add', set: 's', key: ['ip saddr', 'dport'], timeoutSeconds: null, value: 'mark' }],
      'one field',
    ],
    ['connection tracking of ARP', 'arp', [match('ct direction', 'reply')], 'no field'],
  ];
  test.each(statements)('%s', (_title, family, list, reason) => {
    expect(reasonFor(family, rule(...list))).toMatch(reason);
  });

  const sets: readonly (readonly [string, Partial<SetDefinition>, string])[] = [
    ['no type', { key: [] }, 'no type'],
    ['intervals of marks', { key: ['mark'], interval: true }, 'addresses, protocols and ports only'],
    ['a port of no protocol behind a random index', { key: ['random'], value: ['ipv4', 'port'] }, 'names the protocol'],
    ['a protocol where none is needed', { value: ['ipv4', 'tcp port'] }, 'names the protocol'],
    ['a random value', { value: ['random'] }, 'wrong place'],
    ['a key beyond all registers', { key: ['ipv6', 'ipv6', 'ipv6', 'ipv6', 'port'] }, '64 bytes'],
    ['a timeout without timeouts', { timeoutSeconds: 5 }, 'timeout'],
    ['room for nothing', { size: 0 }, 'size 0'],
    ['a constant with a size', { constant: true, size: 5 }, 'constant'],
    ['a comment with a backslash', { comment: 'a\\' }, 'comment'],
  ];
  test.each(sets)('a set with %s', (_title, definition, reason) => {
    expect(reasonFor('ip', set(definition))).toMatch(reason);
  });

  test('a key that is not that of the set named before, by the index of its rule', () => {
    const commands = [set({ key: ['ipv4', 'port'] }), rule(inSet(['ip daddr'], 's'))];
    expect(checkTransaction({ table: { family: 'ip', name: 't' }, commands })).toMatchObject({
      code: 'WP_NFT_INVALID',
      command: 1,
    });
    expect(reasonFor('ip', set({ key: ['ipv4', 'port'] }), rule(inSet(['ip daddr', 'dport'], 's')))).toBe('fine');
  });
});
