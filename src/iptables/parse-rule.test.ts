import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalRule, parseRule } from './parse-rule.ts';
import { renderRule } from './render.ts';
import { addressOf, rules } from './rule-samples.fixture.ts';

describe('parse and render', () => {
  test.each(['IPv4', 'IPv6'] as const)('parsing what was rendered gives the same %s rule', (family) => {
    fc.assert(
      fc.property(rules(family), (rule) => {
        expect(parseRule(renderRule(rule))).toEqual({ ok: true, rule });
      }),
      { numRuns: 1000 },
    );
  });

  test('a canonical text stays as it is', () => {
    fc.assert(
      fc.property(rules('IPv4'), (rule) => {
        const text = renderRule(rule);
        expect(canonicalRule(text)).toBe(text);
      }),
    );
  });
});

// Left: what a person or another tool may write. Right: what iptables-save 1.8.9 was seen to print for it.
const spellings: readonly (readonly [string, string])[] = [
  ['-p tcp --dport 80 -d 10.0.0.1 -j ACCEPT', '-d 10.0.0.1/32 -p tcp -m tcp --dport 80 -j ACCEPT'],
  ['-j ACCEPT -s 10.1.2.3/255.0.0.0', '-s 10.0.0.0/8 -j ACCEPT'],
  ['-d 0.0.0.18/0.0.0.15 -j ACCEPT', '-d 0.0.0.2/0.0.0.15 -j ACCEPT'],
  ['-d fd00:1::2/ffff::f -j ACCEPT', '-d fd00::2/ffff::f -j ACCEPT'],
  ['-d ::1:2 -j ACCEPT', '-d ::0.1.0.2/128 -j ACCEPT'],
  ['-d ::ffff:0 -j ACCEPT', '-d ::255.255.0.0/128 -j ACCEPT'],
  ['-d ::/::1:0:0:0 -j ACCEPT', '-d ::/::1:0:0:0 -j ACCEPT'],
  ['-d 0.0.0.0/0 -s ::/0 -i + -j ACCEPT', '-j ACCEPT'],
  ['-m comment --comment "plain"  -p 17', '-p udp -m comment --comment plain'],
  ['-p all -m comment --comment "a\'b"', '-m comment --comment "a\\\'b"'],
  ['-m conntrack --ctstate DNAT,NEW', '-m conntrack --ctstate NEW,DNAT'],
  ['-m mark --mark 16/16', '-m mark --mark 0x10/0x10'],
  ['-j MARK --set-mark 0x1/0x3', '-j MARK --set-xmark 0x1/0x3'],
  ['-j MARK --or-mark 0x4000', '-j MARK --set-xmark 0x4000/0x4000'],
  ['-j MARK --and-mark 0x4000', '-j MARK --set-xmark 0x0/0xffffbfff'],
  ['-j MARK --xor-mark 0x4000', '-j MARK --set-xmark 0x4000/0x0'],
  ['-m statistic --mode random --probability 0.00001', '-m statistic --mode random --probability 0.00001000008'],
  [
    '-m recent --name X --update --seconds 5 --reap',
    '-m recent --update --seconds 5 --reap --name X --mask 255.255.255.255 --rsource',
  ],
  ['-p tcp -m tcp --dport 0:65535', '-p tcp -m tcp'],
  ['-p sctp -m sctp --dport :65535', '-p sctp -m sctp --dport 0:65535'],
  ['-d 10.0.0.0/8 -j REJECT', '-d 10.0.0.0/8 -j REJECT --reject-with icmp-port-unreachable'],
];

test.each(spellings)('%s is canonically %s', (given, canonical) => {
  expect(canonicalRule(given)).toBe(canonical);
});

// Each stays word for word, because treating it as known would lose something.
const foreign = [
  '-f -j ACCEPT',
  '-j LOG',
  '-j LOG --log-prefix "x"',
  '-j REJECT',
  '-p icmp -j ACCEPT',
  '-p tcp -m tcp --sport 80',
  '-m tcp --dport 80',
  '-p sctp -m sctp',
  '-p udp -m udp --dport 5 -m udp --dport 6',
  '-p tcp -j DNAT --to-destination 10.0.0.1:80 --random',
  '-j DNAT --to-destination 10.0.0.1',
  '-m recent ! --rcheck --name X --mask 255.255.255.255 --rsource',
  '-m recent --rcheck --name X --mask 255.255.255.0 --rsource',
  '-m recent --rcheck --name X --mask 255.255.255.255 --rdest',
  '-s 10.0.0.1/32 -m recent --set --name X --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource',
  '-m addrtype ! --src-type LOCAL --dst-type LOCAL',
  '-m addrtype --dst-type BROADCAST',
  '-m set --match-set foo dst -j ACCEPT',
  '-d ::ffff:1.2.3.4/128 -j ACCEPT',
  '-d example.org -j ACCEPT',
  '-m comment --comment "open',
  '-m statistic --mode nth --every 3 --packet 0',
  '-m bpf --object-pinned /sys/fs/bpf/x',
  '-j KUBE-X --unknown',
  '!',
  'constructor',
  '--toString',
  '-m constructor',
];

test.each(foreign)('%s is foreign', (text) => {
  expect(parseRule(text).ok).toBe(false);
  expect(canonicalRule(text)).toBe(text);
});

function renderJump(chain: string): string {
  return renderRule({ matches: [], target: { kind: 'jump', chain } });
}

test('a name or comment that would break out of its line is a bug', () => {
  expect(() => renderJump('A\n-A B')).toThrow(TypeError);
  expect(() => renderJump('A B')).toThrow(TypeError);
  expect(() => renderRule({ matches: [{ kind: 'comment', text: 'x\ny' }], target: null })).toThrow(TypeError);
  expect(() => renderRule({ matches: [{ kind: 'comment', text: 'x'.repeat(256) }], target: null })).toThrow(TypeError);
});

test('the family of a recent mask follows the addresses of the rule', () => {
  const match = { kind: 'recent', mode: 'set', list: 'X', seconds: null, reap: false } as const;
  const rule = { matches: [match], target: { kind: 'dnat', address: addressOf('fd00::1'), port: 80 } } as const;
  expect(renderRule(rule)).toContain('--mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource');
});
