import { describe, expect, test } from 'vitest';
import type { Shell, ShellResult } from './shell.fixture.ts';
import { scriptShell } from './shell.fixture.ts';
import { removeLeftovers } from './driver-predecessors.ts';
import { allLeftovers, findSets, findVirtualServers, leftoversUnder, parseAddresses, saysNothingThere } from './predecessors.ts';

/** `ip -oneline address show dev kube-ipvs0` on a node that ran kube-proxy in ipvs mode. */
const shown = [
  String.raw`5: kube-ipvs0    inet 10.96.0.1/32 scope global kube-ipvs0\       valid_lft forever preferred_lft forever`,
  String.raw`5: kube-ipvs0    inet 10.96.0.10/32 scope global kube-ipvs0\       valid_lft forever preferred_lft forever`,
  String.raw`5: kube-ipvs0    inet6 fd00:10:96::a/128 scope global \       valid_lft forever preferred_lft forever`,
  '',
].join('\n');

/** `ipvsadm --save -n` there, with a keepalived beside kube-proxy. */
const saved = `-A -t 10.96.0.1:443 -s rr
-a -t 10.96.0.1:443 -r 192.0.2.11:6443 -m -w 1
-A -t 10.96.0.10:53 -s rr
-A -u 10.96.0.10:53 -s rr -p 10800
-a -u 10.96.0.10:53 -r 10.244.0.2:53 -m -w 1
-A --sctp-service 10.96.0.10:9 -s rr
-A -t [fd00:10:96::a]:53 -s rr
-A -t 192.0.2.11:30080 -s rr
-A -t 203.0.113.5:80 -s wlc
-A -f 7 -s rr
`;

/** `ipset list -name` there. */
const setsListed = `KUBE-CLUSTER-IP
KUBE-6-CLUSTER-IP
KUBE-LOAD-BALANCER-SOURCE-CIDR
KUBE-6-LOAD-BALANCER-SOURCE-CID
KUBE-IPVS-IPS
KUBE-SOMEBODY-ELSE
kube-router-local-pods
cali40all-ipam-pools
`;

describe('what is kube-proxy’s among recorded output of the tools', () => {
  test('addresses of its interface', () => {
    expect(parseAddresses(shown)).toEqual(['10.96.0.1', '10.96.0.10', 'fd00:10:96::a']);
    expect(parseAddresses('')).toEqual([]);
  });

  test('[SP-157] virtual servers on those addresses and no others', () => {
    const places = (family: 'IPv4' | 'IPv6'): readonly string[] =>
      findVirtualServers(saved, parseAddresses(shown), family).map(({ option, place }) => `${option} ${place}`);
    expect(places('IPv4')).toEqual(['-t 10.96.0.1:443', '-t 10.96.0.10:53', '-u 10.96.0.10:53', '--sctp-service 10.96.0.10:9']);
    expect(places('IPv6')).toEqual(['-t [fd00:10:96::a]:53']);
    expect(findVirtualServers(saved, [], 'IPv4')).toEqual([]);
    expect(findVirtualServers(saved, parseAddresses(shown), 'IPv4').map(({ key }) => key)).toEqual([
      'TCP 10.96.0.1:443',
      'TCP 10.96.0.10:53',
      'UDP 10.96.0.10:53',
      'SCTP 10.96.0.10:9',
    ]);
    expect(findVirtualServers(saved, parseAddresses(shown), 'IPv6').map(({ key }) => key)).toEqual(['TCP [fd00:10:96::a]:53']);
  });

  test('[SP-157] its sets by their full names, IPv6 ones cut to 31 characters', () => {
    expect(findSets(setsListed, 'IPv4')).toEqual(['KUBE-CLUSTER-IP', 'KUBE-LOAD-BALANCER-SOURCE-CIDR', 'KUBE-IPVS-IPS']);
    expect(findSets(setsListed, 'IPv6')).toEqual(['KUBE-6-CLUSTER-IP', 'KUBE-6-LOAD-BALANCER-SOURCE-CID']);
  });

  test('[SP-159] what a mode of ours takes over is not called a leftover', () => {
    expect(leftoversUnder('iptables')).toEqual({ tables: true, chains: false, servers: true, sets: true });
    expect(leftoversUnder('nftables')).toMatchObject({ tables: false, chains: true, servers: true });
    expect(leftoversUnder('ipvs')).toEqual({ tables: true, chains: true, servers: true, sets: true });
  });

  test.each([
    ['Error: Could not process rule: No such file or directory\ndelete table ip kube-proxy', true],
    ['Device "kube-ipvs0" does not exist.', true],
    ['netlink: Error: cache initialization failed: Operation not supported', true],
    ["Can't initialize ipvs: Protocol not available", true],
    ['ipset v7.17: Cannot open session to kernel.', true],
    ['Error: Could not process rule: Operation not permitted', false],
    ['Set cannot be destroyed: it is in use by a kernel component', false],
  ])('%j: nothing there is %j', (complaint, nothing) => {
    expect(saysNothingThere(complaint)).toBe(nothing);
  });
});

/** A node on which kube-proxy ran in ipvs mode, and in nftables mode before. */
function oldNode(command: string): ShellResult | null {
  const answers: Readonly<Record<string, string>> = {
    'ip -oneline address show dev kube-ipvs0': shown,
    'cat /proc/net/ip_vs': 'IP Virtual Server version 1.2.1 (size=4096)\n',
    'ipvsadm --save -n': saved,
    'ipset list -name': setsListed,
  };
  const stdout =
    answers[command] ?? (/^(nft delete|ipvsadm --delete|ip link delete|ip -4|ipset destroy)/.test(command) ? '' : null);
  return stdout === null ? null : { status: 0, stdout, stderr: '' };
}

test('[IPVS-53] virtual servers that are in use here stay, whichever way their address is written', async () => {
  const script = scriptShell(oldNode);
  const adopted = (): readonly string[] => ['TCP 10.96.0.1:443', 'UDP 10.96.0.10:53', 'TCP [fd00:10:96::a]:53'];
  const done = [
    await removeLeftovers(script.shell, leftoversUnder('ipvs'), 'IPv4', false, adopted),
    await removeLeftovers(script.shell, leftoversUnder('ipvs'), 'IPv6', true, adopted),
  ];
  expect(done.flatMap(({ removed }) => removed).filter((what) => /server|interface/.test(what))).toEqual([
    'virtual server -t 10.96.0.10:53',
    'virtual server --sctp-service 10.96.0.10:9',
    'interface kube-ipvs0',
  ]);
  expect(script.commands.indexOf('ip -4 address flush dev kube-ipvs0')).toBeGreaterThan(
    script.commands.indexOf('ipvsadm --delete-service --sctp-service 10.96.0.10:9'),
  );
  expect(script.commands.indexOf('ip link delete kube-ipvs0')).toBeGreaterThan(
    script.commands.indexOf('ip -4 address flush dev kube-ipvs0'),
  );
});

describe('removeLeftovers', () => {
  async function removeBoth(shell: Shell): Promise<{ removed: string[]; problems: string[] }> {
    const done = [
      await removeLeftovers(shell, allLeftovers, 'IPv4', false),
      await removeLeftovers(shell, allLeftovers, 'IPv6', true),
    ];
    return {
      removed: done.flatMap(({ removed }) => removed),
      problems: done.flatMap(({ problems }) => problems.map(({ message }) => message)),
    };
  }

  test('[SP-160] takes everything of both families, the shared interface last', async () => {
    const script = scriptShell(oldNode);
    expect(await removeBoth(script.shell)).toEqual({
      removed: [
        'nftables table ip kube-proxy',
        'virtual server -t 10.96.0.1:443',
        'virtual server -t 10.96.0.10:53',
        'virtual server -u 10.96.0.10:53',
        'virtual server --sctp-service 10.96.0.10:9',
        'ipset KUBE-CLUSTER-IP',
        'ipset KUBE-LOAD-BALANCER-SOURCE-CIDR',
        'ipset KUBE-IPVS-IPS',
        'nftables table ip6 kube-proxy',
        'virtual server -t [fd00:10:96::a]:53',
        'interface kube-ipvs0',
        'ipset KUBE-6-CLUSTER-IP',
        'ipset KUBE-6-LOAD-BALANCER-SOURCE-CID',
      ],
      problems: [],
    });
    expect(script.commands).toContain('ip -4 address flush dev kube-ipvs0');
    expect(script.commands).toContain('ipvsadm --delete-service -u 10.96.0.10:53');
    expect(script.commands.filter((command) => /-C\b|--clear/.test(command))).toEqual([]);
  });

  test('tools that are not installed, and features the kernel does not have, are no failure', async () => {
    expect(await removeBoth(scriptShell(() => null).shell)).toEqual({ removed: [], problems: [] });
    const unsupported = { status: 1, stdout: '', stderr: 'Error: Operation not supported\n' };
    expect(await removeBoth(scriptShell(() => unsupported).shell)).toEqual({ removed: [], problems: [] });
  });

  test('ipvsadm is not asked where the kernel has no ip_vs: it would load it', async () => {
    const script = scriptShell((command) => (command.startsWith('cat ') ? missingFile : oldNode(command)));
    await removeBoth(script.shell);
    expect(script.commands.filter((command) => command.startsWith('ipvsadm'))).toEqual([]);
  });

  test('[SP-160] what fails is told with the command, and the rest is removed all the same', async () => {
    const refused = { status: 1, stdout: '', stderr: 'Set cannot be destroyed: it is in use by a kernel component\n' };
    const script = scriptShell((command) => (command === 'ipset destroy KUBE-CLUSTER-IP' ? refused : oldNode(command)));
    const { removed, problems } = await removeBoth(script.shell);
    expect(problems).toEqual(['ipset destroy KUBE-CLUSTER-IP: Set cannot be destroyed: it is in use by a kernel component']);
    expect(removed).toHaveLength(12);
  });
});

const missingFile = { status: 1, stdout: '', stderr: 'cat: /proc/net/ip_vs: No such file or directory\n' };
