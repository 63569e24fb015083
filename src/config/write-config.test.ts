import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EffectiveConfig } from './effective-config.ts';
import type { ValueKind, ValueKinds } from './field.ts';
import { rows } from './fields.ts';
import { kubeadmConfig } from './kubeadm-config.fixture.ts';
import { makeConfig } from './load-config.ts';
import { flagSpecs } from './process-flags.ts';
import { describeSettings, writeConfig } from './write-config.ts';

function load(text: string | null, flags: Readonly<Record<string, string>> = {}): EffectiveConfig {
  const texts = new Map(Object.entries(flags).map(([name, value]) => [name, [value]]));
  const loaded = makeConfig(texts, text === null ? null : { name: 'c.yaml', text });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  // Settings without effect are written and read like any other; what is said of them is tested elsewhere.
  expect(loaded.warnings.filter(({ code }) => code !== 'WP_CONFIG_NO_EFFECT')).toEqual([]);
  return loaded.config;
}

describe('[SP-143] writeConfig', () => {
  test.each([
    ['the defaults', {}],
    ['ipvs mode', { 'proxy-mode': 'ipvs', 'ipvs-exclude-cidrs': '10.0.0.0/8', 'ipvs-scheduler': 'wrr' }],
    ['nftables mode', { 'proxy-mode': 'nftables', 'iptables-sync-period': '1m', 'nodeport-addresses': '10.0.0.0/8,fd00::/8' }],
    [
      'lists and maps',
      { vmodule: 'a=1,b=2', 'feature-gates': 'AllowServiceExternalIPs=false,AllBeta=true', 'log-flush-frequency': '250ms' },
    ],
    ['a manifests folder', { manifests: '/etc/waypost/services' }],
    ['our own fields', { 'service-cidrs': '10.96.0.0/12,fd00::/108', 'ipvs-drain-time': '90s', 'ipvs-driver': 'exec' }],
    [
      'a section within a section',
      {
        'ingress-enabled': 'true',
        'ingress-fwmark-mask': '0x1fff0000',
        'ingress-dsr-gue-port': '6081',
        'ingress-pool': 'front=192.0.2.0/28+192.0.2.40-192.0.2.50,back=fd00::/120',
      },
    ],
    ['text that looks like something else', { 'hostname-override': '0042', 'pod-bridge-interface': 'yes' }],
  ])('writes %s so that they load back', (_, flags) => {
    const config = load(null, flags);
    expect(load(writeConfig(config))).toEqual(config);
  });

  test('writes what kubeadm gave so that it loads back', () => {
    const config = load(kubeadmConfig);
    expect(load(writeConfig(config))).toEqual(config);
  });

  test('loses nothing of any settings', () => {
    const arbitrary = fc.record(Object.fromEntries(rows.map((row) => [row.path, arbitraryFor(row.path, row.kind)])));
    const base = load(null);
    fc.assert(
      fc.property(arbitrary, (random) => {
        const settings = { ...base.settings, ...random } as EffectiveConfig['settings'];
        expect(load(writeConfig({ ...base, settings })).settings).toEqual(settings);
      }),
      { numRuns: 200 },
    );
  });
});

test('describeSettings shows durations as text, as /configz does', () => {
  expect(describeSettings(load(null).settings)).toMatchObject({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    conntrack: { tcpEstablishedTimeout: '24h0m0s' },
    iptables: { minSyncPeriod: '1s' },
    nodePortAddresses: null,
  });
});

test('[SP-139] the table has every flag of the reference that concerns Linux', () => {
  const expected = `bind-address healthz-bind-address metrics-bind-address bind-address-hard-fail profiling
    show-hidden-metrics-for-version kubeconfig kube-api-content-type kube-api-qps kube-api-burst hostname-override
    feature-gates proxy-mode masquerade-all iptables-masquerade-bit iptables-localhost-nodeports iptables-sync-period
    iptables-min-sync-period ipvs-sync-period ipvs-min-sync-period ipvs-scheduler ipvs-exclude-cidrs ipvs-strict-arp
    ipvs-tcp-timeout ipvs-tcpfin-timeout ipvs-udp-timeout detect-local-mode pod-bridge-interface
    pod-interface-name-prefix cluster-cidr nodeport-addresses oom-score-adj conntrack-max-per-core conntrack-min
    conntrack-tcp-timeout-established conntrack-tcp-timeout-close-wait conntrack-tcp-be-liberal conntrack-udp-timeout
    conntrack-udp-timeout-stream config-sync-period config write-config-to cleanup init-only master v vmodule logging-format
    log-flush-frequency healthz-port metrics-port boot-id-file machine-id-file manifests`.split(/\s+/);
  const names = flagSpecs.map(({ name }) => name);
  expect(expected.filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

/** Values that are valid together in iptables mode, and that a file can say. */
function arbitraryFor(path: string, kind: ValueKind): fc.Arbitrary<ValueKinds[ValueKind]> {
  const fixed: Readonly<Record<string, fc.Arbitrary<ValueKinds[ValueKind]>>> = {
    mode: fc.constant('iptables'),
    detectLocalMode: fc.constantFrom('ClusterCIDR', 'NodeCIDR'),
    clusterCIDR: fc.constantFrom('', '10.0.0.0/8', 'fd00::/8,10.0.0.0/8'),
    showHiddenMetricsForVersion: fc.constantFrom('', '1.35'),
    bindAddress: fc.constantFrom('0.0.0.0', '192.0.2.1', '::'),
    healthzBindAddress: fc.constantFrom('0.0.0.0:1', '[::1]:65535'),
    metricsBindAddress: fc.constantFrom('127.0.0.1:10249', '[::]:9'),
    nodePortAddresses: fc.constantFrom(null, ['primary'], ['10.0.0.0/8', '::/0']),
    serviceCIDRs: fc.constantFrom(null, [], ['10.96.0.0/12', 'fd00:96::/108']),
    agentSocket: fc.constantFrom('', '/run/waypost/agent.sock', '/srv/a b.sock'),
    connectionMetrics: fc.constantFrom('off', 'service', 'endpoint'),
    statusPage: fc.constantFrom('loopback', 'everywhere', 'off'),
    'ipvs.echo': fc.constantFrom('answer', 'refuse'),
    'ipvs.driver': fc.constantFrom('netlink', 'exec'),
    'nftables.driver': fc.constantFrom('netlink', 'exec'),
    'dns.clusterDomain': fc.constantFrom('cluster.local', 'corp.example.'),
    'dns.addresses': fc.constantFrom(null, [], ['169.254.20.10', 'fd00::10']),
    'dns.service': fc.constantFrom('none', 'dns/coredns'),
    'dns.clients': fc.constantFrom(null, ['10.0.0.0/8']),
    'dns.threads': fc.integer({ min: 1, max: 64 }),
    'dns.udp': fc.constantFrom('batch', 'plain'),
    'dns.resolvConf': fc.constantFrom('/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'),
    'ingress.class': fc.constantFrom('waypost.dev/ingress', 'edge'),
    'ingress.vipCIDRs': fc.constantFrom(null, ['192.0.2.0/24', 'fd00::/64']),
    'ingress.externalIPs': fc.constantFrom(null, [], ['198.51.100.0/24']),
    'ingress.capture': fc.constantFrom('local', 'policy'),
    'ingress.fwmark.mask': fc.constantFrom(0x1fff, 0xf0_0f_00_ff, 0xffff_ffff),
    'ingress.fwmark.first': fc.integer({ min: 1, max: 0x1fff }),
    'ingress.routeTable': fc.constantFrom(5257, 1, 0xffff_ffff),
    'ingress.dsr.method': fc.constantFrom('ipip', 'gue', 'dr'),
    'ingress.noEndpointsAction': fc.constantFrom('', 'drop', 'reject'),
    'ingress.announce.interfaces': fc.constantFrom(null, ['eth0', 'bond0.100']),
    'ingress.healthChecks.folder': fc.constantFrom('/etc/waypost/checks', '/opt/x y'),
    'ingress.pool': fc.constantFrom([], [{ name: 'front', addresses: ['192.0.2.0/28', '192.0.2.40-192.0.2.50', 'fd00::/120'] }]),
    'ingress.leaseNamespace': fc.constantFrom('kube-system', 'edge'),
    'ingress.leaseName': fc.constantFrom('waypost-ingress', 'a.b'),
    'ingress.leaseDuration': fc.integer({ min: 1, max: 3600 }).map((seconds) => seconds * 1000),
    'ingress.limits.rangesPerService': fc.integer({ min: 0, max: 64 }),
    'logging.format': fc.constant('text'),
    'iptables.syncPeriod': fc.integer({ min: 1000, max: 1e9 }),
    'iptables.minSyncPeriod': fc.integer({ min: 1, max: 1000 }),
    'clientConnection.contentType': fc.constantFrom('application/json', 'x'),
  };
  return fixed[path] ?? byKind(path, kind);
}

function byKind(path: string, kind: ValueKind): fc.Arbitrary<ValueKinds[ValueKind]> {
  switch (kind) {
    case 'string':
      return fc.string();
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: 1, max: path.endsWith('Bit') ? 31 : 1000 });
    case 'number':
      return fc.double({ min: 0.001, max: 1e6, noNaN: true });
    case 'duration':
    case 'flush-duration':
      return fc.integer({ min: 1, max: 1e12 }).map((nanoseconds) => nanoseconds / 1e6);
    case 'string-list':
      return fc.option(fc.array(fc.string()));
    case 'switches':
      return fc.dictionary(fc.stringMatching(/^[A-Z][A-Za-z]{1,12}X$/), fc.boolean(), { noNullPrototype: true });
    case 'mark':
      return fc.integer({ min: 1, max: 0xffff_ffff });
    case 'pool-list':
      return fc.constant([]);
    case 'level-list':
      return fc.array(fc.tuple(fc.stringMatching(/^[a-z*]{1,8}$/), fc.nat(9)).map(([pattern, level]) => `${pattern}=${level}`));
  }
}
