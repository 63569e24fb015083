import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EffectiveConfig } from './effective-config.ts';
import { kubeadmConfig } from './kubeadm-config.fixture.ts';
import { loadConfig, makeConfig } from './load-config.ts';
import type { Loaded } from './load-config.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

function fromFlags(flags: Readonly<Record<string, string | readonly string[]>>): Loaded {
  return makeConfig(textsOf(flags), null);
}

function fromFile(body: string, flags: Readonly<Record<string, string>> = {}): Loaded {
  return makeConfig(textsOf(flags), { name: 'c.yaml', text: head + body });
}

function textsOf(flags: Readonly<Record<string, string | readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(flags).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]));
}

function configOf(loaded: Loaded): EffectiveConfig {
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
}

function messagesOf(loaded: Loaded): readonly string[] {
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}

function warningsOf(loaded: Loaded): readonly string[] {
  return loaded.warnings.map(({ message }) => message);
}

function pick({ syncPeriod, minSyncPeriod, masqueradeAll, masqueradeBit }: EffectiveConfig): readonly unknown[] {
  return [syncPeriod, minSyncPeriod, masqueradeAll, masqueradeBit];
}

describe('defaults', () => {
  test('without anything are those of the reference', () => {
    expect(configOf(fromFlags({}))).toMatchObject({
      mode: 'iptables',
      kubeconfig: null,
      manifests: null,
      hostnameOverride: null,
      bindAddress: null,
      primaryFamily: 'IPv4',
      syncPeriod: 30_000,
      minSyncPeriod: 1000,
      masqueradeAll: false,
      masqueradeBit: 14,
      podDetection: { kind: 'cluster-cidr', prefixes: [] },
      nodePorts: { kind: 'all' },
      localhostNodePorts: true,
      healthz: { host: '0.0.0.0', port: 10256 },
      metrics: { host: '127.0.0.1', port: 10249 },
    });
  });

  test('follow an IPv6 bind address', () => {
    expect(configOf(fromFlags({ 'bind-address': '2001:db8::1' }))).toMatchObject({
      bindAddress: '2001:db8::1',
      primaryFamily: 'IPv6',
      healthz: { host: '::', port: 10256 },
      metrics: { host: '::1', port: 10249 },
    });
  });

  test('of node ports are the primary address in nftables mode only', () => {
    expect(configOf(fromFile('mode: nftables\n')).nodePorts).toEqual({ kind: 'primary' });
    expect(configOf(fromFile('mode: ipvs\n')).nodePorts).toEqual({ kind: 'all' });
  });

  test('[SP-141] of the least period in ipvs mode differ with and without a file', () => {
    expect(configOf(fromFile('mode: ipvs\n')).minSyncPeriod).toBe(0);
    expect(configOf(fromFlags({ 'proxy-mode': 'ipvs' })).minSyncPeriod).toBe(1000);
  });

  test('replace zeros of a file where the reference does so, and only there', () => {
    const { settings } = configOf(
      fromFile('iptables: {minSyncPeriod: 0s}\nconntrack: {maxPerCore: 0}\nclientConnection: {qps: 0}\n'),
    );
    expect(settings['iptables.minSyncPeriod']).toBe(1000);
    expect(settings['clientConnection.qps']).toBe(5);
    expect(settings['conntrack.maxPerCore']).toBe(0);
    expect(configOf(fromFlags({ 'iptables-min-sync-period': '0' })).minSyncPeriod).toBe(0);
  });
});

describe('[SP-137] a file', () => {
  test('as kubeadm writes it loads without a warning', () => {
    const loaded = makeConfig(new Map(), { name: 'config.conf', text: kubeadmConfig });
    expect(configOf(loaded)).toMatchObject({
      mode: 'iptables',
      kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
      healthz: { host: '0.0.0.0', port: 10256 },
      syncPeriod: 30_000,
      masqueradeBit: 14,
      podDetection: {
        kind: 'cluster-cidr',
        prefixes: [
          { family: 'IPv4', address: '10.244.0.0', length: 16 },
          { family: 'IPv6', address: 'fd00:10:244::', length: 56 },
        ],
      },
    });
    expect(warningsOf(loaded)).toEqual([]);
  });

  test('may be JSON, indented with tabs', () => {
    const text =
      '{\n\t"kind": "KubeProxyConfiguration",\n\t"apiVersion": "kubeproxy.config.k8s.io/v1alpha1",\n\t"mode": "ipvs"\n}\n';
    expect(configOf(makeConfig(new Map(), { name: 'c.json', text })).mode).toBe('ipvs');
  });

  test('warns of unknown and repeated fields, with line and nearest name, and uses the last', () => {
    const loaded = fromFile('iptables:\n  masqueradeBits: 3\nmode: ipvs\nmode: nftables\nfrobnicate: {a: 1}\n');
    expect(configOf(loaded).mode).toBe('nftables');
    expect(warningsOf(loaded)).toEqual([
      'c.yaml:4: iptables.masqueradeBits is no known field and has no effect (did you mean iptables.masqueradeBit?)',
      'c.yaml:6: mode stands here a second time; the last one counts',
      'c.yaml:7: frobnicate is no known field and has no effect',
    ]);
  });

  test('follows aliases and reads the booleans of YAML 1.1', () => {
    const config = configOf(
      fromFile('hostnameOverride: &n node-7\niptables: {masqueradeAll: yes}\nclusterCIDR: ""\nbindAddressHardFail: Off\n'),
    );
    expect(config.hostnameOverride).toBe('node-7');
    expect(config.masqueradeAll).toBe(true);
    expect(config.bindAddressHardFail).toBe(false);
    expect(configOf(fromFile('ipvs: {scheduler: &a wrr}\nhostnameOverride: *a\n')).hostnameOverride).toBe('wrr');
  });

  test('takes the spelling of an unquoted number for text', () => {
    expect(configOf(fromFile('hostnameOverride: 0042\n')).hostnameOverride).toBe('0042');
  });

  test.each([
    ['bad syntax', 'mode: [iptables\nbindAddress: x\n', /^c\.yaml:\d: not valid YAML: /],
    ['another kind', '---\napiVersion: v1\nkind: ConfigMap\n', /^c\.yaml:4: found v1 ConfigMap where kubeproxy/],
    ['a second one', `---\n${head}`, /^c\.yaml:4: a second kubeproxy/],
  ])('with %s is refused with its line', (_, body, message) => {
    expect(messagesOf(fromFile(body))).toEqual([expect.stringMatching(message)]);
  });

  test.each(['', '# nothing\n', '---\n'])('that is empty (%j) is refused', (text) => {
    expect(messagesOf(makeConfig(new Map(), { name: 'c.yaml', text }))).toEqual([
      expect.stringMatching(/^c\.yaml: the file is empty/),
    ]);
  });

  test.each(['just words\n', '- a\n- b\n'])('that holds no object (%j) is refused', (text) => {
    expect(messagesOf(makeConfig(new Map(), { name: 'c.yaml', text }))).toEqual([
      expect.stringMatching(/^c\.yaml:1: found no object/),
    ]);
  });

  test('of the wrong version is refused', () => {
    const text = 'apiVersion: kubeproxy.config.k8s.io/v1beta1\nkind: KubeProxyConfiguration\n';
    expect(messagesOf(makeConfig(new Map(), { name: 'c.yaml', text }))).toEqual([expect.stringMatching(/v1beta1/)]);
  });

  test('may hold a second document that names the manifests folder, which the flag beats', () => {
    const own = '---\napiVersion: waypost.dev/v1alpha1\nkind: WaypostConfiguration\nmanifests: /etc/services\n';
    expect(configOf(fromFile(own)).manifests).toBe('/etc/services');
    expect(configOf(fromFile(own, { manifests: '/srv' })).manifests).toBe('/srv');
    expect(warningsOf(fromFile(`${own}other: 1\n`))).toEqual(['c.yaml:7: other is no known field and has no effect']);
  });
});

describe('precedence', () => {
  test('[SP-138] beside a file only the listed flags count, and the others are named', () => {
    const flags = {
      'cluster-cidr': '10.9.0.0/16',
      'proxy-mode': 'ipvs',
      'hostname-override': 'n2',
      master: 'https://h:6443',
      v: '5',
    };
    const loaded = fromFile('clusterCIDR: 10.244.0.0/16\nhostnameOverride: n1\nlogging: {verbosity: 1}\n', flags);
    expect(configOf(loaded)).toMatchObject({ mode: 'iptables', hostnameOverride: 'n2', master: 'https://h:6443', verbosity: 5 });
    expect(configOf(loaded).settings.clusterCIDR).toBe('10.244.0.0/16');
    expect(warningsOf(loaded)).toEqual(['beside --config these flags have no effect: --proxy-mode, --cluster-cidr']);
  });

  test('levels for single files by flag come before those of the file', () => {
    const loaded = fromFile('logging:\n  vmodule:\n  - {filePattern: b, verbosity: 2}\n', { vmodule: 'a=1' });
    expect(configOf(loaded).settings['logging.vmodule']).toEqual(['a=1', 'b=2']);
  });

  test('[SP-141] periods and masqueradeAll come from the block of the active mode', () => {
    const body =
      'iptables: {syncPeriod: 11s, minSyncPeriod: 2s, masqueradeAll: true}\nipvs: {syncPeriod: 22s, minSyncPeriod: 3s}\nnftables: {syncPeriod: 33s, masqueradeBit: 9}\n';
    expect(pick(configOf(fromFile(body)))).toEqual([11_000, 2000, true, 14]);
    expect(pick(configOf(fromFile(`${body}mode: ipvs\n`)))).toEqual([22_000, 3000, true, 14]);
    expect(pick(configOf(fromFile(`${body}mode: nftables\n`)))).toEqual([33_000, 1000, false, 9]);
  });

  test('[SP-139] flags for the active mode set its block', () => {
    const flags = { 'iptables-sync-period': '7s', 'ipvs-sync-period': '8s', 'masquerade-all': 'true' };
    const settings = (mode: string): EffectiveConfig['settings'] =>
      configOf(fromFlags({ ...flags, 'proxy-mode': mode })).settings;
    expect([settings('nftables')['nftables.syncPeriod'], settings('nftables')['nftables.masqueradeAll']]).toEqual([7000, true]);
    expect([settings('nftables')['iptables.syncPeriod'], settings('nftables')['iptables.masqueradeAll']]).toEqual([
      30_000,
      false,
    ]);
    expect([settings('ipvs')['ipvs.syncPeriod'], settings('ipvs')['iptables.masqueradeAll']]).toEqual([8000, true]);
    expect([settings('iptables')['ipvs.syncPeriod'], settings('iptables')['iptables.syncPeriod']]).toEqual([30_000, 7000]);
  });

  test('[SP-139] lists are joined, of other flags the last counts', () => {
    const config = configOf(
      fromFlags({ 'nodeport-addresses': ['10.0.0.0/8,fd00::/8', '192.0.2.0/24'], 'cluster-cidr': ['x', '10.1.0.0/16'] }),
    );
    expect(config.settings.nodePortAddresses).toEqual(['10.0.0.0/8', 'fd00::/8', '192.0.2.0/24']);
    expect(config.settings.clusterCIDR).toBe('10.1.0.0/16');
  });

  test('a bare IP address gets the usual port, or that of the deprecated flag; port 0 disables health only', () => {
    expect(configOf(fromFlags({ 'healthz-bind-address': '192.0.2.1' })).healthz).toEqual({ host: '192.0.2.1', port: 10256 });
    expect(configOf(fromFlags({ 'healthz-bind-address': '::1', 'healthz-port': '99' })).healthz).toEqual({
      host: '::1',
      port: 99,
    });
    expect(configOf(fromFlags({ 'healthz-port': '99' })).healthz).toEqual({ host: '0.0.0.0', port: 10256 });
    expect(configOf(fromFlags({ 'healthz-port': '0' })).healthz).toBeNull();
    expect(configOf(fromFlags({ 'healthz-bind-address': '' })).healthz).toEqual({ host: '0.0.0.0', port: 10256 });
    expect(messagesOf(fromFlags({ 'metrics-port': '0' }))).toEqual([
      expect.stringMatching(/^metricsBindAddress must be an IP address and a port/),
    ]);
  });
});

describe('[SP-140] validation', () => {
  test('lists every error with file, line, field and value', () => {
    const body =
      'iptables:\n  masqueradeBit: 44\n  syncPeriod: 1\nclusterCIDR: 10.0.0.0/8, fd00::/64\noomScoreAdj: -1001\nbindAddress: here\n';
    expect(messagesOf(fromFile(body))).toEqual([
      'c.yaml:5: iptables.syncPeriod must be a duration such as 30s, 500ms or 1h2m3s, not 1',
      'c.yaml:8: bindAddress must be an IP address, not "here"',
      'c.yaml:4: iptables.masqueradeBit must be from 0 to 31, not 44',
      'c.yaml:7: oomScoreAdj must be from -1000 to 1000, not -1001',
      'c.yaml:6: clusterCIDR must be one CIDR, or one of each family with a comma between and no blanks, not "10.0.0.0/8, fd00::/64"',
    ]);
  });

  test.each([
    ['mode: userspace', /^c\.yaml:3: mode must be one of iptables, ipvs, nftables, not "userspace"$/],
    ['healthzBindAddress: localhost:10256', /healthzBindAddress must be an IP address and a port/],
    ['healthzBindAddress: 0.0.0.0:0', /healthzBindAddress must be/],
    ['healthzBindAddress: 0.0.0.0:65536', /healthzBindAddress must be/],
    ['metricsBindAddress: "::1:10249"', /metricsBindAddress must be/],
    ['clientConnection: {burst: -1}', /clientConnection\.burst must not be negative, not -1/],
    ['logging: {format: xml}', /logging\.format must be one of text, json, not "xml"/],
    ['logging: {format: json, vmodule: [{filePattern: a, verbosity: 1}]}', /logging\.vmodule must be empty/],
    ['iptables: {masqueradeBit: -1}', /iptables\.masqueradeBit must be from 0 to 31/],
    ['iptables: {syncPeriod: -1s}', /iptables\.syncPeriod must be greater than zero, not -1s/],
    ['iptables: {minSyncPeriod: -1s}', /iptables\.minSyncPeriod must not be negative/],
    [
      'iptables: {syncPeriod: 2s, minSyncPeriod: 3s}',
      /iptables\.minSyncPeriod must not be greater than iptables\.syncPeriod \(2s\), not 3s/,
    ],
    ['detectLocalMode: Guess', /detectLocalMode must be one of/],
    ['detectLocalMode: BridgeInterface', /detectLocal\.bridgeInterface must be set for BridgeInterface/],
    ['detectLocalMode: InterfaceNamePrefix', /detectLocal\.interfaceNamePrefix must be set/],
    ['clusterCIDR: 10.0.0.0/8,10.1.0.0/16', /clusterCIDR must be one CIDR/],
    ['clusterCIDR: 10.0.0.0', /clusterCIDR must be one CIDR/],
    ['nodePortAddresses: [primary, 10.0.0.0/8]', /nodePortAddresses must not mix 'primary'/],
    ['nodePortAddresses: [10.0.0.1]', /nodePortAddresses must hold only CIDRs \(10\.0\.0\.1 is none\)/],
    ['nodePortAddresses: 10.0.0.0/8', /nodePortAddresses must be a list of texts/],
    ['conntrack: {min: -1}', /conntrack\.min must not be negative/],
    ['conntrack: {udpTimeout: -1s}', /conntrack\.udpTimeout must not be negative/],
    ['configSyncPeriod: -1s', /configSyncPeriod must be greater than zero/],
    ['mode: ipvs\nipvs: {excludeCIDRs: [x]}', /ipvs\.excludeCIDRs must hold only CIDRs/],
    ['mode: ipvs\nipvs: {tcpTimeout: -1s}', /ipvs\.tcpTimeout must not be negative/],
    ['mode: nftables\nnftables: {masqueradeBit: 32}', /nftables\.masqueradeBit must be from 0 to 31/],
    ['iptables: 7', /iptables must be a map of fields/],
    ['iptables: {masqueradeAll: "true"}', /iptables\.masqueradeAll must be true or false, not "true"/],
    ['iptables: {masqueradeBit: 1.5}', /iptables\.masqueradeBit must be a whole number, not 1\.5/],
    ['featureGates: {NFTablesProxyMode: false}', /featureGates must not switch off NFTablesProxyMode/],
    ['featureGates: {MultiCIDRServiceAllocator: false, PreferSameTrafficDistribution: false}', /Distribution, MultiCIDR/],
    ['showHiddenMetricsForVersion: "1.34"', /showHiddenMetricsForVersion must be empty or the previous minor version, 1\.35/],
    ['logging: {verbosity: -1}', /logging\.verbosity must not be negative/],
    ['oomScoreAdj: 1001', /oomScoreAdj must be from -1000 to 1000/],
    ['conntrack: {maxPerCore: -1}', /conntrack\.maxPerCore must not be negative/],
    ['conntrack: {tcpEstablishedTimeout: -1s}', /conntrack\.tcpEstablishedTimeout must not be negative/],
    ['conntrack: {tcpCloseWaitTimeout: -1s}', /conntrack\.tcpCloseWaitTimeout must not be negative/],
    ['conntrack: {udpStreamTimeout: -1s}', /conntrack\.udpStreamTimeout must not be negative/],
    ['mode: ipvs\nipvs: {tcpFinTimeout: -1s}', /ipvs\.tcpFinTimeout must not be negative/],
    ['mode: ipvs\nipvs: {udpTimeout: -1s}', /ipvs\.udpTimeout must not be negative/],
    ['mode: ipvs\nipvs: {syncPeriod: 1s, minSyncPeriod: 2s}', /ipvs\.minSyncPeriod must not be greater/],
    ['mode: nftables\nnftables: {syncPeriod: 1s, minSyncPeriod: 2s}', /nftables\.minSyncPeriod must not be greater/],
    ['mode: nftables\niptables: {masqueradeBit: 32}', /iptables\.masqueradeBit must be from 0 to 31/],
    ['featureGates: {A: maybe}', /featureGates must be a map of names to true or false/],
  ])('refuses %s', (body, message) => {
    expect(messagesOf(fromFile(`${body}\n`))).toEqual([expect.stringMatching(message)]);
  });

  test.each([
    'ipvs: {excludeCIDRs: [x], tcpTimeout: -1s}',
    'nftables: {masqueradeBit: 32, syncPeriod: 1s, minSyncPeriod: 5s}',
    'detectLocalMode: NodeCIDR\nclusterCIDR: nonsense',
    'clusterCIDR: fd00::/64,10.0.0.0/8',
    'nodePortAddresses: [primary]',
    'featureGates: {NFTablesProxyMode: true, SomethingElse: false}',
    'showHiddenMetricsForVersion: "1.35"',
    'healthzBindAddress: "[::]:10256"',
    'metricsBindAddress: "::1"',
  ])('accepts %s in iptables mode', (body) => {
    expect(messagesOf(fromFile(`${body}\n`))).toEqual([]);
  });

  test('of flags names the flag', () => {
    const flags = { 'iptables-masquerade-bit': 'x', 'ipvs-sync-period': '5', 'masquerade-all': 'maybe', 'oom-score-adj': '2000' };
    expect(messagesOf(fromFlags(flags))).toEqual([
      '--iptables-masquerade-bit must be a whole number, not "x"',
      '--masquerade-all must be true or false, not "maybe"',
      '--ipvs-sync-period must be a duration such as 30s, 500ms or 1h2m3s, not "5"',
      '--oom-score-adj: oomScoreAdj must be from -1000 to 1000, not 2000',
    ]);
  });
});

describe('loadConfig', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wpe-config-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  test('reads the file of --config', async () => {
    const path = join(folder, 'c.yaml');
    await writeFile(path, `${head}mode: nftables\n`);
    const loaded = await loadConfig(new Map([['config', [path]]]));
    expect(configOf(loaded).mode).toBe('nftables');
  });

  test('says which file cannot be read and why', async () => {
    const path = join(folder, 'missing.yaml');
    const loaded = await loadConfig(new Map([['config', [path]]]));
    expect(messagesOf(loaded)).toEqual([expect.stringContaining(`cannot read the configuration file ${path}: ENOENT`)]);
  });
});
