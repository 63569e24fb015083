import { describe, expect, test } from 'vitest';
import { formatPrefix } from '../model/mod.ts';
import type { EffectiveConfig } from './effective-config.ts';
import { kubeadmConfig } from './kubeadm-config.fixture.ts';
import { makeConfig } from './load-config.ts';
import type { Loaded } from './load-config.ts';
import { describeSettings, writeConfig } from './write-config.ts';

const proxy = (body: string): string =>
  `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${body}---\n`;
const own = (body: string): string => `apiVersion: waypost.dev/v1alpha1\nkind: WaypostConfiguration\n${body}`;

function load(text: string | null, flags: Readonly<Record<string, string>> = {}): Loaded {
  const texts = new Map(Object.entries(flags).map(([name, value]) => [name, [value]]));
  return makeConfig(texts, text === null ? null : { name: 'c.yaml', text });
}

function configOf(loaded: Loaded): EffectiveConfig {
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.config;
}

function messagesOf(loaded: Loaded): readonly string[] {
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}

describe('our own document', () => {
  test('has defaults for everything, also beside a file of kube-proxy', () => {
    for (const text of [null, kubeadmConfig]) {
      const { serviceCidrs, ipvs, nftablesDriver, connectionMetrics, statusPage } = configOf(load(text));
      expect({ serviceCidrs, nftablesDriver, connectionMetrics, statusPage }).toEqual({
        serviceCidrs: [],
        nftablesDriver: 'netlink',
        connectionMetrics: 'service',
        statusPage: 'loopback',
      });
      expect(ipvs).toEqual({
        scheduler: 'rr',
        excludeCidrs: [],
        strictArp: false,
        timeouts: { tcp: 0, tcpFin: 0, udp: 0 },
        drainMs: 300_000,
        udpDrainMs: 0,
        echo: 'answer',
        captureBit: 12,
        driver: 'netlink',
      });
    }
  });

  test('sets its fields, and shares section names with that of kube-proxy', () => {
    const text = `${proxy('mode: ipvs\nipvs: {scheduler: mh, tcpTimeout: 1500ms, strictARP: true, excludeCIDRs: [192.0.2.0/24]}\n')}${own(
      'serviceCIDRs: [10.96.0.0/12, "fd00::/108"]\nconnectionMetrics: endpoint\nipvs:\n  drainTime: 90s\n  udpDrainTime: 5s\n  echo: refuse\n  captureBit: 20\n  driver: exec\nnftables: {driver: exec}\n',
    )}`;
    const loaded = load(text);
    const { serviceCidrs, ipvs, nftablesDriver, connectionMetrics } = configOf(loaded);
    expect(loaded.warnings).toEqual([]);
    expect(serviceCidrs.map(formatPrefix)).toEqual(['10.96.0.0/12', 'fd00::/108']);
    expect([nftablesDriver, connectionMetrics]).toEqual(['exec', 'endpoint']);
    expect({ ...ipvs, excludeCidrs: ipvs.excludeCidrs.map(formatPrefix) }).toEqual({
      scheduler: 'mh',
      excludeCidrs: ['192.0.2.0/24'],
      strictArp: true,
      timeouts: { tcp: 2, tcpFin: 0, udp: 0 },
      drainMs: 90_000,
      udpDrainMs: 5000,
      echo: 'refuse',
      captureBit: 20,
      driver: 'exec',
    });
  });

  test('yields to its flags, which count beside a file of kube-proxy', () => {
    const flags = { 'ipvs-drain-time': '1m', 'service-cidrs': '10.0.0.0/16', 'ipvs-echo': 'refuse' };
    const loaded = load(`${proxy('mode: ipvs\n')}${own('ipvs: {drainTime: 10s}\n')}`, flags);
    expect(configOf(loaded).ipvs).toMatchObject({ drainMs: 60_000, echo: 'refuse' });
    expect(configOf(loaded).serviceCidrs.map(formatPrefix)).toEqual(['10.0.0.0/16']);
    expect(loaded.warnings).toEqual([]);
  });

  test('and its fields in the wrong document are told apart', () => {
    const loaded = load(`${proxy('serviceCIDRs: [10.0.0.0/8]\nipvs: {drainTime: 1s}\n')}${own('mode: ipvs\nipvs: {ecko: x}\n')}`);
    expect(loaded.warnings.map(({ message }) => message)).toEqual([
      'c.yaml:3: serviceCIDRs is no known field and has no effect (it belongs into a document of kind WaypostConfiguration)',
      'c.yaml:4: ipvs.drainTime is no known field and has no effect (it belongs into a document of kind WaypostConfiguration)',
      'c.yaml:8: mode is no known field and has no effect (it belongs into a document of kind KubeProxyConfiguration)',
      'c.yaml:9: ipvs.ecko is no known field and has no effect (did you mean ipvs.echo?)',
    ]);
  });

  test('is not part of what /configz calls KubeProxyConfiguration, and is written only where it says something', () => {
    const plain = configOf(load(null));
    expect(describeSettings(plain.settings)).not.toHaveProperty('serviceCIDRs');
    expect(describeSettings(plain.settings)).not.toHaveProperty('ipvs.drainTime');
    expect(writeConfig(plain)).not.toContain('WaypostConfiguration');
    expect(writeConfig(configOf(load(null, { 'ipvs-capture-bit': '9' })))).toMatch(
      /kind: WaypostConfiguration\nipvs:\n {2}captureBit: 9\n$/,
    );
  });

  test.each([
    ['serviceCIDRs: [10.0.0.1]', /^c\.yaml:7: serviceCIDRs must hold only CIDRs/],
    ['serviceCIDRs: 10.0.0.0/8', /serviceCIDRs must be a list of texts/],
    ['connectionMetrics: all', /connectionMetrics must be one of off, service, endpoint, not "all"/],
    ['statusPage: public', /statusPage must be one of loopback, everywhere, off, not "public"/],
    ['ipvs: {drainTime: -1s}', /ipvs\.drainTime must be from 0s to 24h, not -1s/],
    ['ipvs: {drainTime: 25h}', /ipvs\.drainTime must be from 0s to 24h, not 25h0m0s/],
    ['ipvs: {udpDrainTime: 24h1s}', /ipvs\.udpDrainTime must be from 0s to 24h/],
    ['ipvs: {drainTime: 90}', /ipvs\.drainTime must be a duration/],
    ['ipvs: {echo: ignore}', /ipvs\.echo must be one of answer, refuse/],
    ['ipvs: {captureBit: 32}', /ipvs\.captureBit must be from 0 to 31/],
    ['ipvs: {captureBit: 14}', /^c\.yaml:7: ipvs\.captureBit must not be iptables\.masqueradeBit, not 14$/],
    ['ipvs: {captureBit: 24}', /ipvs\.captureBit must be no bit of the marks of virtual servers \(0x57000000\), not 24/],
    ['ipvs: {captureBit: 30}', /ipvs\.captureBit must be no bit of the marks/],
    ['ipvs: {driver: tool}', /ipvs\.driver must be one of netlink, exec/],
    ['nftables: {driver: tool}', /nftables\.driver must be one of netlink, exec/],
    ['manifests: [a]', /manifests must be the path of a folder/],
    ['ipvs: 7', /ipvs must be a map of fields/],
  ])('refuses %s', (body, message) => {
    expect(messagesOf(load(`${proxy('mode: ipvs\n')}${own(`${body}\n`)}`))).toEqual([expect.stringMatching(message)]);
  });

  test('the capture bit counts in ipvs mode only', () => {
    expect(configOf(load(null, { 'ipvs-capture-bit': '14' })).ipvs.captureBit).toBe(14);
  });
});

describe('fields of kube-proxy that ipvs mode sees differently', () => {
  test('a scheduler that the kernel does not have is refused in ipvs mode', () => {
    expect(messagesOf(load(null, { 'proxy-mode': 'ipvs', 'ipvs-scheduler': 'fair' }))).toEqual([
      expect.stringMatching(/^--ipvs-scheduler: ipvs\.scheduler must be one of rr, wrr, .*ovf, not "fair"$/),
    ]);
    expect(configOf(load(null, { 'ipvs-scheduler': 'fair' })).mode).toBe('iptables');
  });

  test('[IPVS-40] node ports on localhost are off unless asked for', () => {
    const ask = (mode: string, body = ''): boolean => configOf(load(proxy(`mode: ${mode}\n${body}`))).localhostNodePorts;
    expect([ask('iptables'), ask('ipvs')]).toEqual([true, false]);
    expect(ask('ipvs', 'iptables: {localhostNodePorts: true}\n')).toBe(true);
    expect(ask('ipvs', 'iptables: {localhostNodePorts: null}\n')).toBe(false);
    const flags = { 'proxy-mode': 'ipvs', 'iptables-localhost-nodeports': 'true' };
    expect(configOf(load(null, flags)).localhostNodePorts).toBe(true);
  });
});

describe('the resolver', () => {
  test('is off unless asked for, and then has defaults', () => {
    expect(configOf(load(null)).dns).toBe(null);
    expect(configOf(load(null, { dns: 'true' })).dns).toEqual({
      config: null,
      clusterDomain: 'cluster.local',
      addresses: ['169.254.20.10'],
      service: 'kube-system/kube-dns',
      interceptPort: 10_053,
      clients: [],
      threads: 1,
      udp: 'batch',
      resolvConf: '/etc/resolv.conf',
    });
  });

  test('takes what the section says', () => {
    const text = own(
      'dns: {enabled: true, addresses: [], service: none, clusterDomain: corp.example., clients: [192.0.2.0/24]}\n',
    );
    expect(configOf(load(text)).dns).toMatchObject({ addresses: [], service: null, clusterDomain: 'corp.example' });
  });

  test.each([
    ['addresses: [node]', /dns\.addresses must hold only IP addresses \(node is none\)/],
    ['service: kube-dns', /dns\.service must be the namespace and name of a Service/],
    ['clusterDomain: Cluster.Local', /dns\.clusterDomain must be a domain in lower case/],
    ['clusterDomain: a..b', /dns\.clusterDomain must be a domain/],
    ['interceptPort: 0', /dns\.interceptPort must be from 1 to 65535/],
    ['threads: 65', /dns\.threads must be from 1 to 64/],
    ['udp: fast', /dns\.udp must be one of batch, plain/],
  ])('refuses %s', (line, message) => {
    expect(messagesOf(load(own(`dns: {${line}}\n`))).join('\n')).toMatch(message);
  });
});
