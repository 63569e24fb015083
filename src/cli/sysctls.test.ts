import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import { ensureSysctls, readMachineFacts } from './driver-sysctl.ts';
import { connectionLimit, countCpus, planSysctls } from './plan-sysctls.ts';

const facts = { cpus: 4, kernelRelease: '6.1.0-31-amd64' };

function planFor(flags: Readonly<Record<string, string>>, machine = facts, purpose: 'run' | 'init' = 'init'): readonly string[] {
  const loaded = makeConfig(new Map(Object.entries(flags).map(([name, value]) => [name, [value]])), null);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  return planSysctls(loaded.config, machine, purpose).map(
    ({ name, value, rule }) => `${name} ${rule === 'exactly' ? '=' : '>='} ${value}`,
  );
}

const quiet = {
  'conntrack-max-per-core': '0',
  'conntrack-tcp-timeout-established': '0',
  'conntrack-tcp-timeout-close-wait': '0',
};

describe('[SP-114] the limit of tracked connections', () => {
  test.each([
    [32768, 131072, 2, 131072],
    [32768, 131072, 8, 262144],
    [32768, 131072, 64, 1048576],
    [32768, 131072, 4, 131072],
    [1, 0, 3, 3],
    [32768, 2_000_000, 2, 1048576],
    [0, 131072, 8, null],
  ])('%d per CPU, at least %d, on %d CPUs is %j', (maxPerCore, min, cpus, limit) => {
    expect(connectionLimit(maxPerCore, min, cpus)).toBe(limit);
  });

  test.each([
    ['0-1\n', 2],
    ['0\n', 1],
    ['0-3,6,8-11\n', 9],
    ['', 0],
    ['many', 0],
  ])('%j are %d CPUs', (list, count) => {
    expect(countCpus(list)).toBe(count);
  });

  test('this machine has CPUs and a kernel', async () => {
    const found = await readMachineFacts();
    expect(found.cpus).toBeGreaterThan(0);
    expect(found.kernelRelease).toMatch(/^\d+\.\d+/);
  });
});

describe('planSysctls', () => {
  test('[SP-114] [SP-115] the defaults', () => {
    expect(planFor({})).toEqual([
      'net.netfilter.nf_conntrack_max = 131072',
      'nf_conntrack hashsize >= 32768',
      'net.netfilter.nf_conntrack_tcp_timeout_established = 86400',
      'net.netfilter.nf_conntrack_tcp_timeout_close_wait = 3600',
      'net.ipv4.conf.all.route_localnet = 1',
    ]);
  });

  test('[SP-115] what is zero is left alone, what is set is set', () => {
    expect(planFor({ ...quiet, 'iptables-localhost-nodeports': 'false' })).toEqual([]);
    const flags = {
      ...quiet,
      'proxy-mode': 'nftables',
      'conntrack-tcp-be-liberal': 'true',
      'conntrack-udp-timeout': '90s',
      'conntrack-udp-timeout-stream': '1m',
    };
    expect(planFor(flags)).toEqual([
      'net.netfilter.nf_conntrack_tcp_be_liberal = 1',
      'net.netfilter.nf_conntrack_udp_timeout = 90',
      'net.netfilter.nf_conntrack_udp_timeout_stream = 60',
    ]);
  });

  test.each([
    ['127.0.0.0/8', true],
    ['127.0.0.1/32', true],
    ['0.0.0.0/0', true],
    ['fd00::/8', true],
    ['10.0.0.0/8', false],
    ['primary', false],
  ])('node ports on %s need route_localnet: %j', (addresses, needed) => {
    expect(planFor({ ...quiet, 'nodeport-addresses': addresses })).toEqual(
      needed ? ['net.ipv4.conf.all.route_localnet = 1'] : [],
    );
  });

  test('[SP-170] [SP-171] ipvs mode, by kernel version', () => {
    const flags = { ...quiet, 'proxy-mode': 'ipvs' };
    const usual = [
      'net.ipv4.ip_forward = 1',
      'net.ipv4.vs.conntrack = 1',
      'net.ipv4.vs.expire_nodest_conn = 1',
      'net.ipv4.vs.expire_quiescent_template = 1',
    ];
    expect(planFor(flags)).toEqual(usual);
    for (const [kernelRelease, set] of Object.entries({
      '4.0.1': false,
      '4.1': true,
      '4.19.0': true,
      '5.8.9': true,
      '5.9.0': false,
    })) {
      expect(planFor(flags, { cpus: 1, kernelRelease }).includes('net.ipv4.vs.conn_reuse_mode = 0')).toBe(set);
    }
    expect(planFor({ ...flags, 'ipvs-strict-arp': 'true' }).slice(-2)).toEqual([
      'net.ipv4.conf.all.arp_ignore = 1',
      'net.ipv4.conf.all.arp_announce = 2',
    ]);
  });

  test('[IPVS-54] in a run the data plane of ipvs mode sets its own, to put them back at cleanup', () => {
    const flags = { ...quiet, 'proxy-mode': 'ipvs', 'ipvs-strict-arp': 'true' };
    expect(planFor(flags, facts, 'run')).toEqual([]);
    expect(planFor({ ...flags, 'iptables-localhost-nodeports': 'true' })).toContain('net.ipv4.conf.all.route_localnet = 1');
  });
});

describe('ensureSysctls', () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'wpj-sysctl-'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  const wish = { name: 'a.b', path: '/proc/sys/a/b', value: 7, rule: 'exactly', advice: 'do this' } as const;

  test('[SP-115] writes only what differs', async () => {
    await put('/proc/sys/a/b', '7\n');
    expect(await ensureSysctls([wish], root)).toEqual({ ok: true, value: [] });
    expect(await readFile(join(root, '/proc/sys/a/b'), 'utf8')).toBe('7\n');
    await put('/proc/sys/a/b', '8\n');
    expect(await ensureSysctls([wish], root)).toEqual({ ok: true, value: ['a.b'] });
    expect(await readFile(join(root, '/proc/sys/a/b'), 'utf8')).toMatch(/^7/);
  });

  test('[SP-114] what is large enough is not made smaller', async () => {
    await put('/proc/sys/a/b', '9\n');
    expect(await ensureSysctls([{ ...wish, rule: 'at-least' }], root)).toEqual({ ok: true, value: [] });
    await put('/proc/sys/a/b', '6\n');
    expect(await ensureSysctls([{ ...wish, rule: 'at-least' }], root)).toEqual({ ok: true, value: ['a.b'] });
  });

  test('[SP-115] a value that is needed and cannot be set is told with name, value and what to do', async () => {
    expect(await ensureSysctls([{ ...wish, path: '/proc/sys/none' }], root)).toMatchObject({
      ok: false,
      problem: { code: 'WP_CLI_SYSCTL', message: 'a.b cannot be set to 7: this kernel does not have it; do this' },
    });
    // Nobody may write this one, root included, and it is read as a number.
    const fixed = await ensureSysctls([{ ...wish, path: '/proc/sys/kernel/ngroups_max' }]);
    expect(fixed).toMatchObject({
      ok: false,
      problem: {
        message: expect.stringMatching(/^a\.b cannot be set to 7: it is \d+, and writing fails with E.*; do this$/) as string,
      },
    });
  });
});
