import { describe, expect, test } from 'vitest';
import { parsePrefix } from '../model/mod.ts';
import type { NodeChoices, NodeRecord } from '../model/mod.ts';
import { isNodeKnown, judgeNode, nodePatience } from './node-wait.ts';
import { address, choices } from './records.fixture.ts';

const byNode: NodeChoices = { ...choices, podDetection: { kind: 'node-cidr' } };

function node(addresses: readonly string[], podCidrs: readonly string[] = []): NodeRecord {
  return {
    name: 'node-1',
    addresses: addresses.map((text) => address(text)),
    podCidrs: podCidrs.map(parsePrefix).filter((prefix) => prefix !== null),
    zone: null,
    leaving: false,
    labels: {},
    weight: null,
  };
}

function judge(of: NodeRecord | null, chosen: NodeChoices, primary: 'IPv4' | 'IPv6' = 'IPv4'): readonly string[] {
  const families = primary === 'IPv4' ? (['IPv4', 'IPv6'] as const) : (['IPv6', 'IPv4'] as const);
  const { fatal, warnings } = judgeNode(of, { choices: chosen, nodeName: 'node-1', families });
  return [...(fatal === null ? [] : [`fatal: ${fatal.message}`]), ...warnings.map(({ message }) => message)];
}

test('[SP-148] a start waits 30 s for an address, five minutes for pod CIDRs', () => {
  expect([nodePatience(choices), nodePatience(byNode)]).toEqual([30_000, 300_000]);
  expect(isNodeKnown(null, choices)).toBe(false);
  expect(isNodeKnown(node([]), choices)).toBe(false);
  expect(isNodeKnown(node(['192.0.2.1']), choices)).toBe(true);
  expect(isNodeKnown(node(['192.0.2.1']), byNode)).toBe(false);
  expect(isNodeKnown(node(['192.0.2.1'], ['10.0.0.0/24']), byNode)).toBe(true);
});

describe('[SP-148] what the waiting brought', () => {
  const missing = 'Node node-1 is unknown or has no address; going on without';

  test.each([
    [null, choices, [missing]],
    [node([]), choices, [missing]],
    [node(['192.0.2.1']), choices, []],
    [node(['192.0.2.1']), byNode, ['fatal: Node node-1 has no spec.podCIDRs, which detectLocalMode NodeCIDR needs']],
    [node(['192.0.2.1'], ['10.0.0.0/24', 'fd00::/64']), byNode, []],
    [node(['192.0.2.1'], ['10.0.0.0/24']), byNode, []],
  ])('%j', (of, chosen, said) => {
    expect(judge(of, chosen)).toEqual(said);
  });

  test('pod CIDRs of the other family alone are fatal, whichever is the primary one', () => {
    expect(judge(node(['192.0.2.1'], ['fd00::/64']), byNode)).toEqual([
      'fatal: Node node-1 has no IPv4 range in spec.podCIDRs, which detectLocalMode NodeCIDR needs for the primary family',
    ]);
    expect(judge(node(['2001:db8::1'], ['10.0.0.0/24']), byNode, 'IPv6')).toHaveLength(1);
  });

  test('primary node ports of a family without a node address are open, and that is said', () => {
    const primary: NodeChoices = { ...choices, nodePorts: { kind: 'primary' } };
    expect(judge(node(['192.0.2.1', '2001:db8::1']), primary)).toEqual([]);
    expect(judge(node(['192.0.2.1']), primary)).toEqual([
      'nodePortAddresses is primary, but Node node-1 has no IPv6 address: every local IPv6 address accepts node ports',
    ]);
    expect(judge(node(['192.0.2.1']), { ...primary, bindAddress: address('2001:db8::1') })).toEqual([]);
  });
});
