import { describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { EffectiveConfig } from '../config/mod.ts';
import { findMissingCapabilities } from './capabilities.ts';
import { chooseFamilies, judgeIpv6 } from './families.ts';
import { resolveNodeName } from './node-name.ts';

function configOf(flags: Readonly<Record<string, string>> = {}): EffectiveConfig {
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return loaded.config;
}

function warningsFor(flags: Readonly<Record<string, string>>): readonly string[] {
  const chosen = chooseFamilies(configOf(flags), null);
  return chosen.ok ? chosen.value.warnings.map(({ message }) => message) : [];
}

/** `/proc/self/status` with these effective capabilities. */
function statusWith(effective: bigint): string {
  return `Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t${effective.toString(16).padStart(16, '0')}\n`;
}

describe('node name', () => {
  test.each([
    [null, 'Host-A\n', 'host-a'],
    ['  Node.B ', 'host-a', 'node.b'],
  ])('override %j on host %j is %s', (override, host, name) => {
    expect(resolveNodeName(override, host)).toEqual({ ok: true, value: name });
  });

  test.each([
    ['  ', 'host', /^the node name of --hostname-override or hostnameOverride is empty/],
    [null, ' ', /^the machine's host name is empty/],
  ])('override %j on host %j is refused', (override, host, message) => {
    expect(resolveNodeName(override, host)).toMatchObject({
      ok: false,
      problem: { message: expect.stringMatching(message) as string },
    });
  });
});

describe('capabilities', () => {
  test('all there: nothing is said', () => {
    expect(findMissingCapabilities(statusWith((1n << 12n) | (1n << 13n)))).toEqual({ fatal: [], warnings: [] });
  });

  test('each missing one is named with what stops working', () => {
    const none = findMissingCapabilities(statusWith(0n));
    expect(none.fatal.map(({ message }) => message)).toEqual([
      'the capability CAP_NET_ADMIN is missing: without it no rule can be read or changed. Run as root, or add NET_ADMIN to securityContext.capabilities of the container',
    ]);
    expect(none.warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^the capability CAP_NET_RAW is missing: .*legacy/),
    ]);
    expect(findMissingCapabilities(statusWith(1n << 12n)).fatal).toEqual([]);
  });

  test('a status without the line says nothing', () => {
    expect(findMissingCapabilities('Name:\tx\n')).toEqual({ fatal: [], warnings: [] });
  });
});

describe('families', () => {
  test.each([
    ['fe80 04 40 20 80 eth0\n', '0\n', null],
    ['fe80 04 40 20 80 eth0\n', '1\n', 'net.ipv6.conf.all.disable_ipv6 is 1'],
    ['', '', '/proc/net/if_inet6 lists no interface'],
  ])('interfaces %j with disable_ipv6 %j', (interfaces, disabled, obstacle) => {
    expect(judgeIpv6(interfaces, disabled)).toBe(obstacle);
  });

  test('both run where the kernel has both, the primary one first', () => {
    expect(chooseFamilies(configOf(), null)).toMatchObject({ value: { families: ['IPv4', 'IPv6'] } });
    expect(chooseFamilies(configOf({ 'bind-address': '::' }), null)).toMatchObject({ value: { families: ['IPv6', 'IPv4'] } });
  });

  test('[SP-30] without IPv6 only IPv4 runs, and that is said', () => {
    const chosen = chooseFamilies(configOf({ 'cluster-cidr': '10.0.0.0/8', 'nodeport-addresses': 'primary' }), 'no reason');
    expect(chosen).toEqual({
      ok: true,
      value: { families: ['IPv4'], warnings: [{ code: 'WP_CLI_SINGLE_STACK', message: 'running for IPv4 only: no reason' }] },
    });
  });

  test('[SP-30] a primary family that the kernel does not have, or a CIDR only for it, is fatal', () => {
    expect(chooseFamilies(configOf({ 'bind-address': '2001:db8::1' }), 'no reason')).toMatchObject({
      problem: { code: 'WP_CLI_FAMILY' },
    });
    expect(chooseFamilies(configOf({ 'cluster-cidr': 'fd00::/64' }), 'no reason')).toMatchObject({
      problem: { code: 'WP_CLI_FAMILY' },
    });
  });

  test('what stays open is said: node ports on all addresses, a family without a cluster CIDR', () => {
    expect(warningsFor({ 'cluster-cidr': '10.0.0.0/8' })).toEqual([
      'nodePortAddresses is not set: every local address accepts node ports',
      'clusterCIDR has no IPv6 CIDR: pods are not told from other clients in IPv6',
    ]);
    expect(warningsFor({ 'cluster-cidr': '10.0.0.0/8,fd00::/8', 'nodeport-addresses': '10.0.0.0/8' })).toEqual([
      'nodePortAddresses has no IPv6 CIDR: every local IPv6 address accepts node ports',
    ]);
  });

  test('addresses and CIDRs of the other family alone are said to be wrong, unspecified addresses are fine', () => {
    const covered = { 'cluster-cidr': '10.0.0.0/8,fd00::/8', 'nodeport-addresses': 'primary' };
    const wrong = {
      ...covered,
      'proxy-mode': 'ipvs',
      'ipvs-exclude-cidrs': 'fd00::/8',
      'healthz-bind-address': '[::1]:10256',
      'metrics-bind-address': '[fd00::1]:10249',
    };
    expect(warningsFor(wrong)).toEqual([
      'ipvs.excludeCIDRs has no IPv4 CIDR, but IPv4 is the primary family (bindAddress decides)',
      'healthzBindAddress is ::1, but IPv4 is the primary family (bindAddress decides)',
      'metricsBindAddress is fd00::1, but IPv4 is the primary family (bindAddress decides)',
    ]);
    expect(warningsFor({ ...wrong, 'bind-address': 'fd00::5' })).toEqual([]);
    expect(warningsFor({ ...covered, 'healthz-bind-address': '[::]:1', 'ipvs-exclude-cidrs': 'fd00::/8' })).toEqual([]);
  });
});
