import { describe, expect, test } from 'vitest';
import { startWorld, stepsOf } from '../model/mod.ts';
import type { Family, PacketWorld, StageEnd, TraceHook, TraceHost, TracedConnection } from '../model/mod.ts';
import { hairpinProgram } from './bpf-programs.ts';
import type { RulesetState } from './operation.ts';
import { parseSave } from './parse.ts';
import { addressOf } from './rule-samples.fixture.ts';
import { memoryName } from './trace-match.ts';
import { createRuleStages } from './trace-stages.ts';

const host: TraceHost = {
  family: 'IPv4',
  addressType: (address) => (address === '192.168.0.1' || address.startsWith('127.') ? 'local' : 'unicast'),
  masqueradeAddress: (_, device) => (device === 'lost' ? null : addressOf('192.168.0.1')),
};

interface Change {
  readonly family?: Family;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly destinationPort?: number;
  readonly mark?: number;
  readonly remembered?: string;
  readonly state?: TracedConnection['state'];
  readonly outDevice?: string;
}

function worldOf(change: Change): PacketWorld {
  const { family = 'IPv4', source = '10.1.0.5', destination = '10.96.0.1', protocol = 'TCP', destinationPort = 80 } = change;
  const world = startWorld({
    packet: {
      family,
      protocol,
      source: addressOf(source),
      sourcePort: 40_000,
      destination: addressOf(destination),
      destinationPort,
    },
    inDevice: 'veth0',
    mark: change.mark ?? 0,
    link: null,
    memory: change.remembered === undefined ? new Map() : new Map([[memoryName(change.remembered), true]]),
  });
  return {
    ...world,
    outDevice: change.outDevice ?? 'eth0',
    connection: { ...world.connection, state: change.state ?? 'new' },
  };
}

function ruleset(text: string): RulesetState {
  const parsed = parseSave(`${text.trim()}\nCOMMIT\n`);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return parsed.value;
}

/** Through the first stage of a hook. */
function walk(text: string, hook: TraceHook, change: Change = {}): readonly StageEnd[] {
  const stage = createRuleStages(ruleset(text), 'IPv4').find((one) => one.hook === hook);
  const walked = stage?.walk(worldOf(change), host);
  if (walked === undefined || !walked.ok) throw new Error(walked?.problem.message ?? 'no such stage');
  return walked.value;
}

function forward(rules: string, change: Change = {}): readonly StageEnd[] {
  return walk(`*filter\n:FORWARD ACCEPT [0:0]\n:LOOP - [0:0]\n${rules}`, 'forward', change);
}

const service = `
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:SERVICES - [0:0]
:SVC - [0:0]
-A PREROUTING -j SERVICES
-A POSTROUTING -j MASQUERADE --random-fully
-A SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j SVC
-A SVC ! -s 10.1.0.0/16 -j MARK --set-xmark 0x4000/0x4000
-A SVC -p tcp -m statistic --mode random --probability 0.33333333349 -j DNAT --to-destination 10.1.0.5:8080
-A SVC -p tcp -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.6:8080
-A SVC -p tcp -j DNAT --to-destination 192.168.0.1:8080`;

describe('a chain', () => {
  test('goes every way that random matches leave open, and says which rules led there', () => {
    const ends = walk(service, 'prerouting');
    expect(ends.map(({ world }) => world.packet.destination)).toEqual(['10.1.0.5', '10.1.0.6', '192.168.0.1']);
    for (const { world } of ends) expect(world.probability).toBeCloseTo(1 / 3, 8);
    expect(ends.map(({ world }) => world.evaluated)).toEqual([4, 5, 6]);
    expect(ends[2]?.world && stepsOf(ends[2].world)).toEqual([
      {
        hook: 'prerouting',
        place: 'iptables nat PREROUTING 1',
        text: '-j SERVICES',
        effects: [{ kind: 'jump', chain: 'SERVICES' }],
      },
      {
        hook: 'prerouting',
        place: 'iptables nat SERVICES 1',
        text: '-d 10.96.0.1/32 -p tcp -m tcp --dport 80 -j SVC',
        effects: [{ kind: 'jump', chain: 'SVC' }],
      },
      {
        hook: 'prerouting',
        place: 'iptables nat SVC 4',
        text: '-p tcp -j DNAT --to-destination 192.168.0.1:8080',
        effects: [{ kind: 'destination', address: '192.168.0.1', port: 8080 }],
      },
    ]);
  });

  test('masquerades with an address of the way out, and without one the packet is dropped', () => {
    expect(walk(service, 'postrouting').map(({ world }) => world.packet.source)).toEqual(['192.168.0.1']);
    expect(walk(service, 'postrouting', { outDevice: 'lost' }).map(({ verdict }) => verdict)).toEqual(['drop']);
  });

  test('a policy decides what no rule decides, as a step of its own', () => {
    const [end] = walk('*filter\n:FORWARD DROP [0:0]', 'forward');
    expect([end?.verdict, end && stepsOf(end.world).map(({ text }) => text)]).toEqual(['drop', ['-P FORWARD DROP']]);
  });

  test('RETURN and the end of a chain lead back, a goto leads past its own chain', () => {
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
    const marks = (enter: string): unknown =>
      walk(nested.replaceAll('ENTER', enter), 'forward').map(({ verdict, world }) => [verdict, world.mark]);
    expect(marks('-g')).toEqual([['accept', 2]]);
    expect(marks('-j')).toEqual([['drop', 3]]);
  });
});

describe('single matches and targets', () => {
  const accepts = (rule: string, change: Change): boolean => {
    const ends = forward(`-A FORWARD ${rule} -j ACCEPT\n-A FORWARD -j DROP`, change);
    expect(ends).toHaveLength(1);
    return ends[0]?.verdict === 'accept';
  };

  test.each<[string, boolean, Change?]>([
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
    ['-m conntrack --ctstate ESTABLISHED', true, { state: 'established' }],
    ['-m conntrack --ctstate INVALID', true, { state: 'none' }],
    ['-m conntrack --ctstate UNTRACKED', true, { state: 'untracked' }],
    ['-m conntrack --ctstate DNAT', false],
    ['-m addrtype --dst-type LOCAL', false],
    ['-m addrtype ! --src-type LOCAL', true],
    ['-m addrtype --src-type LOCAL', true, { source: '192.168.0.1' }],
    ['-m mark --mark 0x4000/0x4000', true, { mark: 0x4001 }],
    ['-m mark ! --mark 0x4000/0x4000', false, { mark: 0x4001 }],
    ['-m mark --mark 0x4000', false, { mark: 0x4001 }],
    ['-m mark --mark 0x80000000/0x80000000', true, { mark: 0x80000000 }],
    ['-m statistic --mode random --probability 0.00000000000', false],
    ['-m statistic --mode random --probability 1.00000000000', true],
    ['-m recent --rcheck --seconds 5 --reap --name A --mask 255.255.255.255 --rsource', false],
    ['-m recent --update --seconds 5 --name A --mask 255.255.255.255 --rsource', true, { remembered: 'A' }],
    ['-m set --match-set A src', true, { remembered: 'A' }],
    ['-m set --match-set A src', false],
    ['-m set ! --match-set A src', true],
    ['-m recent --set --name A --mask 255.255.255.255 --rsource', true],
    [
      '-m recent --set --name A --mask 255.255.255.255 --rsource -m recent --rcheck --name A --mask 255.255.255.255 --rsource',
      true,
    ],
  ])('%s: %s', (rule, accepted, change = {}) => {
    expect(accepts(rule, change)).toBe(accepted);
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
    expect(accepts(`-m bpf --bytecode "${hairpinProgram(family)}"`, { family, source, destination })).toBe(accepted);
  });
});

describe('what cannot be told is said', () => {
  const unknown = (rules: string, change: Change = {}): readonly string[] =>
    forward(rules, change).flatMap(({ world }) =>
      stepsOf(world).flatMap(({ effects }) => effects.flatMap((effect) => (effect.kind === 'unknown' ? [effect.reason] : []))),
    );

  test.each([
    ['a rule of unknown kind', '-A FORWARD -m limit --limit 5/sec -j DROP', 'match limit'],
    ['one for this very destination', '-A FORWARD -d 10.96.0.1/32 -m limit --limit 5/sec -j DROP', 'match limit'],
    ['a BPF instruction not known', '-A FORWARD -m bpf --bytecode "1,99 0 0 0" -j DROP', 'unknown BPF instruction'],
    ['a jump to nowhere', '-A FORWARD -j NOWHERE', 'chain NOWHERE of filter does not exist'],
    ['a loop', '-A FORWARD -j LOOP\n-A LOOP -j LOOP', 'chain LOOP of filter leads back to itself'],
  ])('%s', (_, rules, reason) => {
    expect(unknown(rules).join('\n')).toContain(reason);
  });

  test.each([
    ['no packet gets there', '-A FORWARD -j ACCEPT\n-A FORWARD -m limit --limit 5/sec -j DROP'],
    ['it is for another destination', '-A FORWARD -d 10.97.0.0/16 -m limit --limit 5/sec -j DROP'],
    ['it is not for this source', '-A FORWARD ! -s 10.1.0.0/16 -m limit --limit 5/sec -j DROP'],
    ['it is for another device', '-A FORWARD -i docker0 -m limit --limit 5/sec -j DROP'],
    ['it is for another protocol', '-A FORWARD -p icmp -m icmp --icmp-type 8 -j DROP'],
    ['its target decides nothing', '-A FORWARD -m limit --limit 5/sec -j LOG --log-prefix "seen: "'],
  ])('but not where %s', (_, rules) => {
    expect(unknown(rules)).toEqual([]);
  });
});
