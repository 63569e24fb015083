import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { parseAddress } from '../model/mod.ts';
import { goodNode } from './check-facts.fixture.ts';
import type { DnsFacts } from './check-dns.ts';
import { parseBoundSockets } from './check-dns.ts';
import type { NodeFacts } from './check-facts.ts';
import { planFindings } from './check-findings.ts';
import { runCheck } from './check.ts';

const goodDns: DnsFacts = { sockets: [], ffi: null, warnings: [], problems: [] };

function find(
  dns: Partial<DnsFacts>,
  flags: Readonly<Record<string, string>> = {},
  facts: Partial<NodeFacts> = {},
): readonly string[] {
  const texts = { 'proxy-mode': 'nftables', dns: 'true', ...flags };
  const loaded = makeConfig(new Map(Object.entries(texts).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return planFindings(loaded.config, { ...goodNode, ...facts, dns: { ...goodDns, ...dns } })
    .filter(({ code }) => code.startsWith('WP_CLI_CHECK_DNS_'))
    .map(({ level, code, message }) => `${level} ${code.replace('WP_CLI_CHECK_DNS_', '')} ${message}`);
}

function bound(protocol: 'UDP' | 'TCP', text: string, port = 53): DnsFacts['sockets'][number] {
  const address = parseAddress(text);
  if (address === null) throw new TypeError(text);
  return { protocol, address, port };
}

describe('what stands in the way of DNS', () => {
  test('nothing, and nothing is said where DNS is not asked for', () => {
    expect(find({})).toEqual([
      'ok PORT port 53 of 169.254.20.10 is free',
      'ok INTERCEPT questions can be taken to this node',
      'ok CONFIG the DNS configuration and its upstreams can be used',
    ]);
    expect(find({}, { dns: 'false' })).toEqual([]);
  });

  test('port 53 of an address to listen on is taken', () => {
    const stub = bound('UDP', '127.0.0.53');
    expect(find({ sockets: [stub, bound('UDP', '0.0.0.0', 54)] })[0]).toMatch(/^ok PORT/);
    expect(
      find({ sockets: [stub, bound('UDP', '0.0.0.0'), bound('TCP', '::'), bound('TCP', '169.254.20.10')] }).slice(0, 3),
    ).toEqual([
      'error PORT UDP 169.254.20.10:53 is taken by a socket of another program on 0.0.0.0:53',
      'error PORT TCP 169.254.20.10:53 is taken by a socket of another program on [::]:53',
      'error PORT TCP 169.254.20.10:53 is taken by a socket of another program on 169.254.20.10:53',
    ]);
    expect(find({ sockets: [bound('UDP', '0.0.0.0')] }, { 'dns-addresses': 'fd00::53' })[0]).toMatch(/^ok PORT/);
    const running = { chains: 'table inet waypost_dns {\n}\n' };
    expect(find({ sockets: [bound('UDP', '169.254.20.10')] }, {}, running)).toContain(
      'note PORT an agent answers DNS here already',
    );
  });

  test('the port behind the ClusterIP is taken', () => {
    expect(find({ sockets: [bound('TCP', '::', 10_053)] })[0]).toBe(
      'error PORT TCP port 10053, where questions to kube-system/kube-dns are taken, belongs to another program',
    );
    expect(find({ sockets: [bound('TCP', '::', 10_053)] }, { 'dns-service': 'none' })[0]).toMatch(/^ok/);
  });

  test('questions cannot be taken here: no system calls, or no nftables', () => {
    expect(find({ ffi: 'koffi does not load' })[0]).toBe(
      'warning INTERCEPT no system calls can be made (koffi does not load): questions to kube-system/kube-dns are not taken to this node, and datagrams are read one by one',
    );
    expect(find({}, {}, { chains: null })[0]).toBe(
      'warning INTERCEPT kernel 6.1.0-50-amd64 has no module nf_tables: questions to kube-system/kube-dns are not taken to this node',
    );
    expect(find({}, { 'dns-service': 'none' }, { chains: null })[0]).toMatch(/not kept out of connection tracking$/);
  });

  test('a configuration or a resolv.conf that cannot be used', () => {
    const problems = [{ code: 'WP_DNS_COREFILE', message: 'Corefile line 3: no directive foo' }] as const;
    const warnings = [{ code: 'WP_DNS_RESOLV_LOOPBACK', message: 'nameserver 127.0.0.53 is a stub' }] as const;
    expect(find({ problems, warnings }).filter((line) => line.includes('CONFIG'))).toEqual([
      'error CONFIG Corefile line 3: no directive foo',
      'warning CONFIG nameserver 127.0.0.53 is a stub',
    ]);
  });
});

test('sockets as the kernel lists them', () => {
  const head = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const udp = `${head}  101: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   102        0 1\n  102: 0100007F:C001 0100007F:0035 01 00000000:00000000 00:00000000 00000000   102        0 1\n`;
  expect(parseBoundSockets(udp, 'UDP', true)).toEqual([bound('UDP', '127.0.0.53')]);
  const tcp6 = `${head}   0: 000000FD000000000000000035000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n`;
  expect(parseBoundSockets(tcp6, 'TCP', true)).toEqual([bound('TCP', 'fd00::35')]);
  const big = `${head}   0: A9FE140A:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n`;
  expect(parseBoundSockets(big, 'TCP', false)).toEqual([bound('TCP', '169.254.20.10')]);
});

test('waypost check looks at this machine for the flags of DNS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'waypost-check-'));
  const resolvConf = join(folder, 'resolv.conf');
  await writeFile(resolvConf, 'nameserver 127.0.0.53\n');
  let out = '';
  const terminal = { out: (text: string) => void (out += text), err: () => undefined };
  const run = (flags: Readonly<Record<string, string>>): Promise<number> => {
    const texts = { 'proxy-mode': 'nftables', dns: 'true', ...flags };
    return runCheck(new Map(Object.entries(texts).map(([name, value]) => [name, [value]])), 'text', terminal);
  };
  expect(await run({ 'dns-config': '/nowhere/Corefile' })).toBe(1);
  expect(out).toMatch(/^error {4}.*\/nowhere\/Corefile/m);
  out = '';
  await run({ 'resolv-conf': resolvConf });
  expect(out).toMatch(/^error {4}.*nameserver 127\.0\.0\.53 is a stub on this host/m);
  await rm(folder, { recursive: true });
});
