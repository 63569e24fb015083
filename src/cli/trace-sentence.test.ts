import { describe, expect, test } from 'vitest';
import type { TraceEffect, TraceStep } from '../model/mod.ts';
import { formatTrace } from './trace-print.ts';
import type { ReportedEnd, TraceReport } from './trace-report.ts';
import { tellVerdict } from './trace-sentence.ts';

const base: TraceReport = {
  schema: 'waypost.dev/trace/v1',
  family: 'IPv4',
  protocol: 'TCP',
  source: { given: '10.1.0.5', address: '10.1.0.5', port: 40_000, device: 'veth5' },
  destination: { given: '10.96.0.1:80', address: '10.96.0.1', port: 80 },
  frontend: { service: 'ns/web', servicePort: 'ns/web:http/TCP', kind: 'ClusterIP', verdict: 'forward' },
  verdict: 'delivered',
  sentence: '',
  ends: [],
  unknown: [],
  gaps: [],
  established: [],
  notes: [],
};

function end(change: Partial<ReportedEnd> = {}): ReportedEnd {
  return {
    verdict: 'delivered',
    address: '10.1.0.6',
    port: 8080,
    name: null,
    probability: 1,
    source: '10.1.0.5',
    masqueraded: false,
    device: 'veth6',
    listening: null,
    steps: [],
    ...change,
  };
}

function step(place: string, effects: readonly TraceEffect[], text = 'the rule'): TraceStep {
  return { hook: 'forward', place, text, effects };
}

const tell = (verdict: TraceReport['verdict'], ends: readonly ReportedEnd[], change: Partial<TraceReport> = {}): string =>
  tellVerdict({ ...base, ...change, verdict, ends });

describe('the sentence', () => {
  test('of what is delivered names back ends and the source they see', () => {
    const other = end({ address: '10.1.0.7', masqueraded: true, source: '192.0.2.11' });
    expect(tell('delivered', [end({ name: 'pod ns/web-0' })])).toBe(
      "Delivered: ns/web:http (ClusterIP) sends it to the back end 10.1.0.6:8080 (pod ns/web-0), which sees the client's own address 10.1.0.5.",
    );
    expect(tell('delivered', [end(), other], { frontend: null })).toBe(
      "Delivered: 10.96.0.1:80 sends it to one of 2 back ends, which see the client's own address 10.1.0.5, " +
        'except 10.1.0.7:8080, which sees 192.0.2.11 (masqueraded).',
    );
    expect(tell('delivered', [other])).toContain('which sees 192.0.2.11 in the place of 10.1.0.5 (masqueraded).');
    expect(tell('delivered', [end({ device: null, listening: false })])).toContain(
      '; but nothing on this node listens on 10.1.0.6:8080.',
    );
  });

  test('of what passes says what else becomes of it', () => {
    const passing = end({ verdict: 'passes', address: '10.96.0.1', port: 80 });
    expect(tell('passes', [passing])).toContain(
      'the agent has ns/web:http (ClusterIP) there, but nothing in the kernel translates it',
    );
    const here = { ...passing, device: null };
    const alone = { frontend: null };
    expect(tell('passes', [{ ...here, listening: false }], alone)).toContain('no TCP socket of this node listens there');
    expect(tell('passes', [{ ...here, listening: true }], alone)).toContain('listens there and gets it');
    expect(tell('passes', [here], alone)).toContain('if one is bound there');
  });

  const drop: TraceEffect = { kind: 'drop' };
  const reject: TraceEffect = { kind: 'reject', with: 'port-unreachable' };
  test.each<[string, TraceEffect, RegExp]>([
    ['iptables filter KUBE-PROXY-FIREWALL 3', drop, /10\.1\.0\.5 is not among the loadBalancerSourceRanges of ns\/web:http/],
    ['nft ip waypost guard 1', drop, /not among the loadBalancerSourceRanges/],
    [
      'iptables filter KUBE-SERVICES 4',
      reject,
      /ns\/web:http \(ClusterIP\) has no usable endpoint \(iptables filter KUBE-SERVICES 4\)/,
    ],
    ['ip6tables filter KUBE-EXTERNAL-SERVICES 4', drop, /a Local policy of ns\/web:http \(ClusterIP\) finds no usable endpoint/],
    ['nft ip waypost act 1', reject, /has no usable endpoint/],
    ['nft ip waypost act 2', drop, /a Local policy/],
    ['nft ip6 waypost refuse 7', reject, /no virtual server takes this port/],
    ['iptables filter KUBE-FIREWALL 1', drop, /loopback addresses are not to be reached/],
    ['iptables filter KUBE-FORWARD 1', drop, /iptables filter KUBE-FORWARD 1 says so: the rule/],
    ['iptables filter FORWARD policy', drop, /no rule of the chain accepts it, and its policy drops \(iptables filter FORWARD\)/],
    ['nft inet firewall base 2', reject, /nft inet firewall base 2 says so: the rule/],
    ['routing', drop, /^Dropped: the rule\.$/],
  ])('of a refusal at %s says why', (place, effect, why) => {
    const verdict = effect.kind === 'drop' ? 'dropped' : 'refused';
    expect(tell(verdict, [end({ verdict, steps: [step(place, [effect])] })])).toMatch(why);
  });

  test('of a virtual server and of routing repeats what they said', () => {
    const said: TraceEffect = { kind: 'other', words: 'the virtual server has no destination' };
    const server = end({ verdict: 'refused', steps: [step('ipvs TCP 10.96.0.1:80', [said, reject])] });
    expect(tell('refused', [server])).toContain('Refused: the virtual server has no destination: ns/web:http (ClusterIP)');
    const lost = step('routing', [{ kind: 'unroutable', reason: 'the route is of type blackhole' }], 'blackhole 10.0.0.0/8');
    expect(tell('unroutable', [end({ verdict: 'unroutable', steps: [lost] })])).toBe(
      'No way: the route is of type blackhole (blackhole 10.0.0.0/8).',
    );
  });

  test('of ends of several kinds says what share has which', () => {
    const refused = end({ verdict: 'dropped', probability: 0.25, steps: [step('iptables filter FORWARD 1', [drop], '-j DROP')] });
    expect(tell('mixed', [end({ probability: 0.75 }), refused])).toBe(
      'Chance decides: 75.0 % goes to 10.1.0.6:8080; 25.0 % is dropped (iptables filter FORWARD 1 says so: -j DROP).',
    );
  });
});

describe('the report', () => {
  const jump = (place: string, chain: string, text = `-d 10.96.0.1/32 -j ${chain}`): TraceStep =>
    step(place, [{ kind: 'jump', chain }], text);
  const shared = [
    jump('iptables nat PREROUTING 1', 'SERVICES', '-m comment --comment "all of them" -j SERVICES'),
    jump('iptables nat SERVICES 1', 'EMPTY'),
    jump('iptables nat SERVICES 2', 'SVC'),
  ];
  const last = step('iptables nat POSTROUTING 1', [{ kind: 'mark', mark: 0 }], 'the last rule');
  const way = (number: number): ReportedEnd =>
    end({
      address: `10.1.0.${number}`,
      probability: 0.5,
      steps: [
        ...shared,
        step(`iptables nat SVC ${number}`, [{ kind: 'destination', address: '10.1.0.6' as never, port: 8080 }], `dnat ${number}`),
        last,
      ],
    });

  test('has the shared steps once, ends as a table, and leaves out what led nowhere', () => {
    const text = formatTrace({
      ...base,
      ends: [way(6), way(7)],
      sentence: 'All of it.',
      unknown: [step('iptables filter FORWARD 2', [], '-m odd')],
      gaps: ['the moon'],
      established: [{ sourcePort: 5000, address: '10.1.0.9', port: 8080 }],
    });
    expect(text).toBe(
      [
        '10.1.0.5 (arriving on veth5) to 10.96.0.1:80 over TCP, ns/web:http/TCP (ClusterIP)',
        '',
        'forward      iptables nat SERVICES 2: to chain SVC',
        '             -d 10.96.0.1/32 -j SVC',
        '',
        ' SHARE  BECOMES OF IT  NAME  SEES      LEAVES BY  DECIDED BY',
        '50.0 %  10.1.0.6:8080  -     10.1.0.5  veth6      iptables nat SVC 6',
        '50.0 %  10.1.0.7:8080  -     10.1.0.5  veth6      iptables nat SVC 7',
        '',
        'The first of them:',
        'forward      iptables nat SVC 6: destination becomes 10.1.0.6:8080',
        '             dnat 6',
        '',
        'forward      iptables nat POSTROUTING 1: mark becomes 0x0',
        '             the last rule',
        '',
        'Not understood, and taken for not matching:',
        '  iptables filter FORWARD 2: -m odd',
        '',
        'Could not be read:',
        '  the moon',
        '',
        'Tracked already, and going on as they began:',
        '  from port 5000 to 10.1.0.9:8080',
        '',
        'All of it.',
        '',
      ].join('\n'),
    );
  });
});
