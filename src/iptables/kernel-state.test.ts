import { expect, test } from 'vitest';
import { KernelState } from './kernel-state.ts';
import type { Operation } from './operation.ts';
import type { RuleText } from './rule.ts';

const rules = (...texts: string[]): readonly RuleText[] => texts as unknown as readonly RuleText[];
const [jump] = rules('-j KUBE-SERVICES') as readonly [RuleText];

/** nat as read: one chain of ours, one of another program, and a built-in one with our jump. */
function read(): KernelState {
  const chains = new Map([
    ['PREROUTING', { policy: 'ACCEPT' as const, rules: rules('-j KUBE-SERVICES') }],
    ['KUBE-SERVICES', { policy: null, rules: rules('a', 'b') }],
    ['CNI-HOSTPORT', { policy: null, rules: rules('x') }],
  ]);
  return new KernelState(new Map([['nat', { chains }]]));
}

const base = { table: 'nat', chain: 'KUBE-SERVICES', owner: null } as const;

test('[SP-131] rules of our chains are counted as they are read and as operations change them', () => {
  const state = read();
  const after = (operation: Operation): readonly number[] => [state.follow(operation), state.countRules('nat')];
  expect([state.countRules('nat'), state.countRules('filter')]).toEqual([2, 0]);
  expect(after({ kind: 'append-rule', ...base, rule: jump })).toEqual([1, 3]);
  expect(after({ kind: 'insert-rule', ...base, rule: jump, position: 1 })).toEqual([1, 4]);
  expect(after({ kind: 'delete-rule', ...base, rule: jump })).toEqual([0, 3]);
  expect(after({ kind: 'write-chain', ...base, rules: rules('c') })).toEqual([1, 1]);
  expect(after({ kind: 'write-chain', ...base, chain: 'KUBE-SVC-A', rules: rules('d', 'e') })).toEqual([2, 3]);
  expect(after({ kind: 'append-rule', ...base, chain: 'PREROUTING', rule: jump })).toEqual([1, 3]);
  expect(after({ kind: 'delete-chain', ...base, chain: 'KUBE-SVC-A' })).toEqual([0, 1]);
});
