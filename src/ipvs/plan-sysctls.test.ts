import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSysctlPort } from './driver-ipvs-sysctl.ts';
import { planSysctls } from './plan-sysctls.ts';

const facts = { family: 'IPv4', kernelRelease: '6.1.0-31-amd64', strictArp: false, loopback: false, roaming: false } as const;

function valueOf(name: string, more: Partial<Parameters<typeof planSysctls>[0]> = {}): string | undefined {
  return planSysctls({ ...facts, ...more }).find((wish) => wish.name === name)?.value;
}

describe('parameters', () => {
  test.each([
    ['4.19.0', '0'],
    ['5.8.18', '0'],
    ['5.9.0', '1'],
    ['5.10.0-8', '1'],
    ['6.18.3', '1'],
  ])('[IPVS-47] reuse mode on kernel %s is %s', (kernelRelease, value) => {
    expect(valueOf('net.ipv4.vs.conn_reuse_mode', { kernelRelease })).toBe(value);
  });

  test('[IPVS-46] connections of a deleted back end end at once', () => {
    expect(valueOf('net.ipv4.vs.expire_nodest_conn')).toBe('1');
  });

  test('[IPVS-37] [IPVS-40] strict ARP and loopback routing only where asked for, and never for IPv6', () => {
    expect(valueOf('net.ipv4.conf.all.arp_ignore')).toBeUndefined();
    expect(valueOf('net.ipv4.conf.all.arp_ignore', { strictArp: true })).toBe('1');
    expect(valueOf('net.ipv4.conf.all.route_localnet', { loopback: true })).toBe('1');
    const both = planSysctls({ ...facts, family: 'IPv6', strictArp: true, loopback: true });
    expect(both.filter(({ name }) => name.includes('.conf.all.')).map(({ name }) => name)).toEqual([
      'net.ipv6.conf.all.forwarding',
    ]);
  });

  test('[INGRESS-38] connections that begin on another node are taken in the middle only where Services ask for it', () => {
    expect(valueOf('net.ipv4.vs.sloppy_tcp')).toBeUndefined();
    expect(valueOf('net.ipv4.vs.sloppy_tcp', { roaming: true })).toBe('1');
  });

  test('forwarding is not taken back, for the node’s pods rely on it', () => {
    expect(
      planSysctls(facts)
        .filter(({ restore }) => !restore)
        .map(({ name }) => name),
    ).toEqual(['net.ipv4.ip_forward']);
  });
});

test('the driver reads, writes, and says what it cannot', async () => {
  const root = await mkdtemp(join(tmpdir(), 'waypost-sysctl-'));
  try {
    await mkdir(join(root, 'proc/sys/net/ipv4/vs'), { recursive: true });
    await writeFile(join(root, 'proc/sys/net/ipv4/vs/conntrack'), '0\n');
    const port = createSysctlPort(root);
    expect(await port.read('net.ipv4.vs.conntrack')).toBe('0');
    expect(await port.write('net.ipv4.vs.conntrack', '1')).toMatchObject({ ok: true });
    expect(await readFile(join(root, 'proc/sys/net/ipv4/vs/conntrack'), 'utf8')).toBe('1\n');
    expect(await port.read('net.ipv4.vs.absent')).toBeNull();
    const refused = await port.write('net.ipv4.vs.absent', '1');
    expect(refused).toMatchObject({ ok: false, problem: { code: 'WP_IPVS_SYSCTL' } });
  } finally {
    await rm(root, { recursive: true });
  }
});
