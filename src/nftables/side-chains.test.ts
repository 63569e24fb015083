import { describe, expect, it } from 'vitest';
import type { Family, SideSettings } from '../model/mod.ts';
import { renderStatements } from './render-rule.ts';
import { planFixedChains } from './side-chains.ts';
import { sideSettings } from './side-entries.fixture.ts';
import { planSharedChain } from './side-shared-chains.ts';
import { sideTable } from './side-sets.ts';

/** Chains as the tool would print them. */
function renderChains(family: Family, names: readonly string[], settings: SideSettings): string {
  const chains = [
    ...planFixedChains(family, settings),
    planSharedChain(family, settings, { kind: 'sctp', way: 'rewrite' }),
    planSharedChain(family, settings, { kind: 'sctp', way: 'restore' }),
    planSharedChain(family, settings, { kind: 'clamp', size: 1340 }),
    planSharedChain(family, settings, { kind: 'clamp', size: null }),
  ];
  const shown = chains.filter(({ name }) => names.includes(name));
  return shown
    .flatMap(({ name, hook, rules }) => [
      hook === null ? name : `${name} (${hook.hook} ${hook.priority})`,
      ...rules.map((rule) => `  ${renderStatements(sideTable(family).family, rule)}`),
    ])
    .join('\n');
}

describe('the rules of ingress as text', () => {
  const settings: SideSettings = {
    ...sideSettings,
    tunnelDevices: ['tunl0'],
    tunnelProtocols: [{ protocol: 4 }, { udpPort: 6080 }],
  };

  it('before connection tracking: tunnels of strangers end, ports are rewritten', () => {
    expect(renderChains('IPv4', ['arrival', 'rewrite', 'rewrite_sctp', 'first_output'], settings)).toMatchInlineSnapshot(`
      "arrival (prerouting -300)
        iifname == "lo" return
        meta l4proto == 4 fib daddr type != unicast ip saddr != @peers drop
        meta l4proto == 17 th dport == 6080 fib daddr type != unicast ip saddr != @peers drop
        iifname == "tunl0" return
        meta iiftype == 1 ether saddr @peer_links ip daddr . meta l4proto . th dport @hidden_ports return
        goto rewrite
      rewrite
        meta l4proto == 6 tcp dport set ip daddr . meta l4proto . th dport map @rewrites accept
        meta l4proto == 17 udp checksum == 0 udp dport set ip daddr . meta l4proto . th dport map @rewrites udp checksum set 0 accept
        meta l4proto == 17 udp dport set ip daddr . meta l4proto . th dport map @rewrites accept
        meta l4proto vmap @rewrite_protocols
        ip daddr . meta l4proto . th dport @hidden_ports reject with icmp port-unreachable
      first_output (output -350)
        meta mark & 0xff800000 == 0x57800000 ct state new,established,related meta mark set 0x4000 accept
        meta mark @masqueraded_lanes ct state new,established,related meta mark set 0x4000 accept
        meta mark & 0xff000000 == 0x57000000 meta mark set 0x0 accept
        meta mark @lanes meta mark set 0x0 accept
        goto rewrite
      rewrite_sctp
        meta l4proto == 132 sctp dport set ip daddr . meta l4proto . th dport map @rewrites accept"
    `);
  });

  it('at the end of the way: marks go, segments shrink, ports come back', () => {
    const names = ['late_postrouting', 'clamp_1340', 'clamp_route', 'restore', 'restore_sctp', 'restore_input'];
    expect(renderChains('IPv6', names, settings)).toMatchInlineSnapshot(`
      "restore
        meta l4proto == 6 tcp sport set ip6 saddr . meta l4proto . th sport map @answers accept
        meta l4proto == 17 udp sport set ip6 saddr . meta l4proto . th sport map @answers accept
        meta l4proto vmap @restore_protocols
      restore_input (input 105)
        goto restore
      late_postrouting (postrouting 300)
        meta mark & 0x4000 == 0x4000 meta mark set meta mark & 0xffffbfff
        meta mark & 0xff000000 == 0x57000000 meta mark set 0x0
        meta mark @lanes meta mark set 0x0
        meta l4proto == 6 tcp flags & 0x2 == 0x2 ip6 saddr vmap @clamps
        goto restore
      restore_sctp
        meta l4proto == 132 sctp sport set ip6 saddr . meta l4proto . th sport map @answers accept
      clamp_1340
        meta l4proto == 6 tcp option maxseg size set 1340
      clamp_route
        meta l4proto == 6 tcp option maxseg size set rt mtu"
    `);
  });

  it('what nobody took of an address of Services alone is not sent on', () => {
    const names = ['forward'];
    expect(renderChains('IPv4', names, settings)).toBe('forward (forward 0)\n  ip daddr @closed drop');
    expect(renderChains('IPv6', names, { ...settings, strays: 'reject' })).toBe(
      'forward (forward 0)\n  ip6 daddr @closed reject with icmpv6 port-unreachable',
    );
  });

  it('in between: peers are told before anybody else', () => {
    const names = [
      'capture',
      'capture_range',
      'capture_range_peer',
      'input',
      'guard',
      'from_peer',
      'node_ports_peer',
      'from_link',
    ];
    expect(renderChains('IPv4', names, settings)).toMatchInlineSnapshot(`
      "capture (prerouting -150)
        meta mark & 0x1000 == 0x1000 meta mark set meta mark & 0xffffefff
        ip daddr . meta l4proto . th dport @captured goto capture_port
        ip daddr . meta l4proto . th dport @captured_ranges goto capture_range
        meta l4proto == 1 ct state related ip daddr @captured_addresses meta mark set meta mark | 0x1000
        meta l4proto == 1 icmp type == 8 ip daddr @captured_addresses reject with icmp admin-prohibited
      capture_range
        iifname == "tunl0" goto capture_range_peer
        meta iiftype == 1 ether saddr @peer_links goto capture_range_peer
        ip daddr . meta l4proto . th dport @refused_outside ct state new reject with icmp port-unreachable
        ip daddr . meta l4proto . th dport @refused_ranges_outside ct state new reject with icmp port-unreachable
        meta mark set meta mark | 0x1000
      capture_range_peer
        ip daddr . meta l4proto . th dport @refused_peer ct state new reject with icmp port-unreachable
        ip daddr . meta l4proto . th dport @refused_ranges_peer ct state new reject with icmp port-unreachable
        meta mark set meta mark | 0x1000
      input (input 90)
        meta mark & 0x1000 == 0x1000 meta mark set meta mark & 0xffffefff
        iifname == "lo" return
        ip daddr == 127.0.0.0/8 ip saddr != 127.0.0.0/8 ct state new,invalid,untracked drop
        jump guard
        iifname == "tunl0" goto from_peer
        meta iiftype == 1 ether saddr @peer_links goto from_link
        goto from_outside
      guard
        ip daddr . meta l4proto . th dport @restricted ip daddr . meta l4proto . th dport . ip saddr != @sources ct state new drop
        ip daddr . meta l4proto . th dport @restricted_ranges ip daddr . meta l4proto . th dport != @restricted ip daddr . meta l4proto . th dport . ip saddr != @source_ranges ct state new drop
      from_peer
        meta mark set ip daddr . meta l4proto . th dport map @service_peer goto act
        meta mark set ip daddr . meta l4proto . th dport map @service_ranges_peer goto act
        fib daddr type == local ip daddr != @protected ip daddr != 127.0.0.0/8 goto node_ports_peer
      node_ports_peer
        meta mark set meta l4proto . th dport map @node_port_peer goto act
        meta mark set meta l4proto . th dport map @node_port_ranges_peer goto act
      from_link
        meta mark set ip daddr . meta l4proto . th dport map @service_peer goto act
        meta mark set ip daddr . meta l4proto . th dport map @service_ranges_peer goto act
        goto from_outside"
    `);
  });
});
