import { describe, expect, test } from 'vitest';
import type { Family } from '../model/mod.ts';
import { hairpinProgram } from './bpf-programs.ts';
import type { RulesetState } from './operation.ts';
import { parseSave } from './parse.ts';
import { addressOf } from './rule-samples.fixture.ts';
import { trace } from './tracer.ts';
import type { TraceEnvironment, TracePacket } from './tracer.ts';
import type { TraceOutcome } from './tracer.ts';

const env: TraceEnvironment = {
  localAddresses: [addressOf('192.168.0.1'), addressOf('fd01::1')],
  route: (destination) =>
    destination.startsWith('203.0.113.') ? null : { outInterface: 'eth0', sourceAddress: addressOf('192.168.0.1') },
};

const fromPod: TracePacket = {
  family: 'IPv4',
  source: addressOf('10.1.0.5'),
  destination: addressOf('10.96.0.1'),
  protocol: 'tcp',
  destinationPort: 80,
  inInterface: 'veth0',
  mark: 0,
};

function ruleset(...tables: readonly string[]): RulesetState {
  const parsed = parseSave(tables.map((table) => `${table.trim()}\nCOMMIT\n`).join(''));
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

function outcomes(rules: RulesetState, packet: TracePacket, environment = env): readonly TraceOutcome[] {
  const traced = trace(rules, packet, environment);
  if (!traced.ok) throw new Error(traced.problem.message);
  return traced.value.outcomes;
}

const service = `
*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:SERVICES - [0:0]
:SVC - [0:0]
:MARK - [0:0]
:POST - [0:0]
-A PREROUTING -j SERVICES
-A OUTPUT -j SERVICES
-A POSTROUTING -j POST
-A SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j SVC
-A SERVICES -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j SVC
-A SVC ! -s 10.1.0.0/16 -j MARK
-A SVC -p tcp -m statistic --mode random --probability 0.33333333349 -j DNAT --to-destination 10.1.0.5:8080
-A SVC -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.6:8080
-A SVC -p tcp -j DNAT --to-destination 192.168.0.1:8080
-A MARK -j MARK --set-xmark 0x4000/0x4000
-A POST -m bpf --bytecode "${hairpinProgram('IPv4')}" -j MARK
-A POST -m mark ! --mark 0x4000/0x4000 -j RETURN
-A POST -j MARK --set-xmark 0x4000/0x0
-A POST -j MASQUERADE --random-fully`
  .replaceAll('-j MARK\n', '-j MARKIT\n')
  .replaceAll(':MARK ', ':MARKIT ')
  .replaceAll('-A MARK ', '-A MARKIT ');

describe('a packet to a Service', () => {
  test('goes every way the random matches leave open', () => {
    const ways = outcomes(ruleset(service), fromPod);
    expect(ways.map((one) => [one.destination, one.delivered, one.masqueraded, one.seenSource])).toEqual([
      ['10.1.0.5', 'wire', true, '192.168.0.1'],
      ['10.1.0.6', 'wire', false, '10.1.0.5'],
      ['192.168.0.1', 'local', false, '10.1.0.5'],
    ]);
    for (const way of ways) expect(way.probability).toBeCloseTo(1 / 3, 8);
    expect(ways.reduce((sum, one) => sum + one.probability, 0)).toBeCloseTo(1, 12);
    expect(ways.map((one) => one.mark)).toEqual([0, 0, 0]);
  });

  test('is masqueraded when it comes from elsewhere, and keeps the other bits of its mark', () => {
    const ways = outcomes(ruleset(service), { ...fromPod, source: addressOf('172.16.0.9'), mark: 0x8001, inInterface: 'eth0' });
    expect(ways.map((one) => [one.seenSource, one.mark])).toEqual([
      ['192.168.0.1', 0x8001],
      ['192.168.0.1', 0x8001],
      ['172.16.0.9', 0xc001],
    ]);
  });

  test('names the rules it matched and counts those it was compared with', () => {
    const traced = trace(ruleset(service), fromPod, env);
    const [first, , last] = traced.ok ? traced.value.outcomes : [];
    expect(last?.path).toEqual([
      'nat PREROUTING 1 -j SERVICES',
      'nat SERVICES 1 -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j SVC',
      'nat SVC 4 -p tcp -j DNAT --to-destination 192.168.0.1:8080',
    ]);
    // PREROUTING 1, SERVICES 1, SVC 2, then POSTROUTING 1, POST 4 and the marking chain.
    expect(first?.evaluated).toBe(1 + 1 + 2 + 1 + 4 + 1);
    expect(last?.evaluated).toBe(1 + 1 + 4);
    expect(traced.ok && traced.value.worstRules).toBe(10);
    expect(traced.ok && traced.value.meanRules).toBeCloseTo((10 + 8 + 6) / 3, 5);
  });

  test('passes by when nothing is for it', () => {
    const ways = outcomes(ruleset(service), { ...fromPod, destinationPort: 81 });
    expect(ways.map((one) => [one.destination, one.destinationPort, one.delivered])).toEqual([['10.96.0.1', 81, 'wire']]);
  });

  test('reaches a node port on an address of the node only', () => {
    const packet = { ...fromPod, destinationPort: 30080 };
    expect(outcomes(ruleset(service), { ...packet, destination: addressOf('192.168.0.1') })).toHaveLength(3);
    expect(outcomes(ruleset(service), { ...packet, destination: addressOf('127.0.0.1') })).toHaveLength(3);
    const elsewhere = outcomes(ruleset(service), { ...packet, destination: addressOf('192.168.0.2') });
    expect(elsewhere.map((one) => one.destination)).toEqual(['192.168.0.2']);
  });

  test('an established connection is not looked up in nat again', () => {
    const ways = outcomes(ruleset(service), fromPod, { ...env, ctstate: 'ESTABLISHED' });
    expect(ways.map((one) => one.destination)).toEqual(['10.96.0.1']);
  });
});

describe('a packet from the node itself', () => {
  const filter = `
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -m conntrack --ctstate DNAT -j ACCEPT
-A INPUT -j DROP
-A OUTPUT -p udp -j REJECT --reject-with icmp-port-unreachable`;

  test('goes through OUTPUT and POSTROUTING, and comes back through lo where the node is the back end', () => {
    const ways = outcomes(ruleset(service, filter), { ...fromPod, source: addressOf('192.168.0.1'), inInterface: null });
    expect(ways.map((one) => [one.verdict, one.delivered, one.seenSource])).toEqual([
      ['accept', 'wire', '192.168.0.1'],
      ['accept', 'wire', '192.168.0.1'],
      ['accept', 'local', '192.168.0.1'],
    ]);
    expect(ways[2]?.path.at(-1)).toBe('filter INPUT 1 -i lo -m conntrack --ctstate DNAT -j ACCEPT');
  });

  test('is rejected by the rules of OUTPUT, after nat', () => {
    const ways = outcomes(ruleset(service, filter), {
      ...fromPod,
      protocol: 'udp',
      source: addressOf('192.168.0.1'),
      inInterface: null,
    });
    expect(ways.map((one) => [one.verdict, one.delivered])).toEqual([['reject', null]]);
  });

  test('a policy decides what no rule decides; without a route nothing leaves', () => {
    const forwarded = outcomes(ruleset(service, filter), { ...fromPod, destinationPort: 81 });
    expect(forwarded.map((one) => one.verdict)).toEqual(['drop']);
    const lost = outcomes(ruleset(service), { ...fromPod, destination: addressOf('203.0.113.1') });
    expect(lost.map((one) => one.verdict)).toEqual(['unreachable']);
    const unsent = outcomes(ruleset(service), { ...fromPod, destination: addressOf('203.0.113.1'), inInterface: null });
    expect(unsent.map((one) => one.verdict)).toEqual(['unreachable']);
  });
});

const nested = `
*filter
:FORWARD DROP [0:0]
:OUTER - [0:0]
:INNER - [0:0]
-A FORWARD -j OUTER
-A FORWARD -m mark --mark 0x2 -j ACCEPT
-A OUTER ENTER INNER
-A OUTER -j MARK --set-xmark 0x3/0xffffffff
-A INNER -j MARK --set-xmark 0x2/0xffffffff
-A INNER -j RETURN
-A INNER -j DROP`;

/** True if a packet is accepted by this one rule before it is dropped. */
function accepts(rule: string, change: Partial<TracePacket> = {}, environment: Partial<TraceEnvironment> = {}): boolean {
  const table = `*filter\n:FORWARD ACCEPT [0:0]\n:LOOP - [0:0]\n-A FORWARD ${rule} -j ACCEPT\n-A FORWARD -j DROP`;
  const ways = outcomes(ruleset(table), { ...fromPod, ...change }, { ...env, ...environment });
  expect(ways).toHaveLength(1);
  return ways[0]?.verdict === 'accept';
}

describe('single matches and targets', () => {
  test.each<[string, boolean, Partial<TracePacket>?, Partial<TraceEnvironment>?]>([
    ['-s 10.1.0.4/31', true],
    ['! -s 10.1.0.4/31', false],
    ['-d 0.0.0.1/0.0.0.15', true],
    ['-d 0.0.0.2/0.0.0.15', false],
    ['-i veth+ -o eth0', true],
    ['-i veth', false],
    ['! -o eth1', true],
    ['-p tcp -m tcp --dport 79:81', true],
    ['-p tcp -m tcp ! --dport 79:81', false],
    ['-p udp -m udp --dport 80', false],
    ['! -p udp', true],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', false],
    ['-m conntrack ! --ctstate RELATED,ESTABLISHED', true],
    ['-m conntrack --ctstate ESTABLISHED', true, {}, { ctstate: 'ESTABLISHED' }],
    ['-m conntrack --ctstate DNAT', false],
    ['-m addrtype --dst-type LOCAL', false],
    ['-m addrtype ! --src-type LOCAL', true],
    ['-m addrtype --src-type LOCAL', true, { source: addressOf('192.168.0.1') }],
    ['-m mark --mark 0x4000/0x4000', true, { mark: 0x4001 }],
    ['-m mark ! --mark 0x4000/0x4000', false, { mark: 0x4001 }],
    ['-m mark --mark 0x4000', false, { mark: 0x4001 }],
    ['-m mark --mark 0x80000000/0x80000000', true, { mark: 0x80000000 }],
    ['-m statistic --mode random --probability 0.00000000000', false],
    ['-m statistic --mode random --probability 1.00000000000', true],
    ['-m recent --rcheck --seconds 5 --reap --name A --mask 255.255.255.255 --rsource', false],
    ['-m recent --update --seconds 5 --name A --mask 255.255.255.255 --rsource', true, {}, { clientSets: new Set(['A']) }],
    ['-m set --match-set A src', true, {}, { clientSets: new Set(['A']) }],
    ['-m set --match-set A src', false, {}, {}],
    ['-m set ! --match-set A src', true, {}, {}],
    ['-m recent --set --name A --mask 255.255.255.255 --rsource', true],
    [
      '-m recent --set --name A --mask 255.255.255.255 --rsource -m recent --rcheck --name A --mask 255.255.255.255 --rsource',
      true,
    ],
  ])('%s: %s', (rule, accepted, change, environment) => {
    expect(accepts(rule, change, environment)).toBe(accepted);
  });

  test('RETURN and the end of a chain lead back, a goto leads past its own chain', () => {
    expect(outcomes(ruleset(nested.replaceAll('ENTER', '-g')), fromPod).map((one) => one.verdict)).toEqual(['accept']);
    expect(outcomes(ruleset(nested.replaceAll('ENTER', '-j')), fromPod).map((one) => [one.verdict, one.mark])).toEqual([
      ['drop', 3],
    ]);
  });

  test.each<[Family, string, string, boolean]>([
    ['IPv4', '10.1.0.5', '10.1.0.5', true],
    ['IPv4', '10.1.0.5', '10.1.0.6', false],
    ['IPv6', 'fd00::5', 'fd00::5', true],
    ['IPv6', 'fd00::5', 'fd00::6', false],
    ['IPv6', 'fd00::5', 'fd00:1::5', false],
    ['IPv6', 'fd00:0:1::5', 'fd00::5', false],
    ['IPv6', 'fd00::1:0:5', 'fd00::5', false],
  ])('the hairpin program, %s from %s to %s: %s', (family, source, destination, accepted) => {
    const change = { family, source: addressOf(source), destination: addressOf(destination) };
    expect(accepts(`-m bpf --bytecode "${hairpinProgram(family)}"`, change)).toBe(accepted);
  });
});

describe('what cannot be told is refused', () => {
  const refusals: readonly (readonly [string, string])[] = [
    ['a rule of unknown kind', '-A FORWARD -m limit --limit 5/sec -j ACCEPT'],
    ['a BPF instruction not known', '-A FORWARD -m bpf --bytecode "1,99 0 0 0" -j ACCEPT'],
    ['a jump to nowhere', '-A FORWARD -j NOWHERE'],
    ['a loop', '-A FORWARD -j LOOP\n-A LOOP -j LOOP'],
  ];

  test.each(refusals)('%s', (_, rules) => {
    const table = `*filter\n:FORWARD ACCEPT [0:0]\n:LOOP - [0:0]\n${rules}`;
    const traced = trace(ruleset(table), fromPod, env);
    expect(traced.ok ? null : traced.problem.code).toBe('WP_IPTABLES_UNTRACEABLE');
  });

  test('unless no packet gets there', () => {
    const table = '*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j ACCEPT\n-A FORWARD -m limit --limit 5/sec -j DROP';
    expect(outcomes(ruleset(table), fromPod).map((one) => one.verdict)).toEqual(['accept']);
  });
});
