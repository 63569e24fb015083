import { expect, test } from 'vitest';
import type { Family, Outcome, Problem } from '../model/mod.ts';
import type { TakenOver } from './clean-servers.ts';
import { Handover } from './handover.ts';
import type { HandoverOptions } from './handover.ts';
import { scriptShell } from './shell.fixture.ts';
import type { ShellResult } from './shell.fixture.ts';

interface Stage {
  readonly handover: Handover;
  readonly commands: readonly string[];
  readonly lines: string[];
  readonly problems: Problem[];
  readonly cleaned: Family[];
}

/** A sync of that family; what else it says only matters to what comes after other modes of ours. */
function taken(family: Family): TakenOver {
  const settings = {
    podTraffic: { kind: 'none' },
    nodePorts: { kind: 'all-local', loopback: false },
    masqueradeBit: 14,
    nodeAddress: null,
  } as const;
  return { family, settings, localAddresses: [] };
}

const fine: ShellResult = { status: 0, stdout: '', stderr: '' };

function setStage(
  mode: 'iptables' | 'nftables' | 'ipvs',
  answer: (command: string) => ShellResult | null = () => fine,
  chains: Outcome<readonly string[]> = { ok: true, value: ['chain nat KUBE-SERVICES'] },
  own: Partial<HandoverOptions> = {},
): Stage {
  const lines: string[] = [];
  const problems: Problem[] = [];
  const cleaned: Family[] = [];
  const { shell, commands } = scriptShell(answer);
  const handover = new Handover({
    mode,
    families: ['IPv4', 'IPv6'],
    shell,
    logger: { info: (message, fields) => lines.push(`${message} ${String(fields?.['family'])}: ${String(fields?.['objects'])}`) },
    report: (problem) => problems.push(problem),
    cleanChains: async (family) => {
      cleaned.push(family);
      return chains;
    },
    ...own,
  });
  return { handover, commands, lines, problems, cleaned };
}

test('[SP-161] nothing is touched before the first sync of a family, and then once', async () => {
  const { handover, commands, lines } = setStage('iptables');
  expect(commands).toEqual([]);
  await handover.afterSync(taken('IPv6'));
  await handover.afterSync(taken('IPv6'));
  await handover.close();
  expect(commands.filter((command) => command.startsWith('nft'))).toEqual(['nft delete table ip6 kube-proxy']);
  expect(commands).not.toContain('ip link delete kube-ipvs0');
  expect(lines).toEqual(['removed what kube-proxy had left behind IPv6: nftables table ip6 kube-proxy']);
});

test('[SP-159] the interface of both families goes after the last one', async () => {
  const { handover, commands } = setStage('iptables');
  await handover.afterSync(taken('IPv4'));
  await handover.afterSync(taken('IPv6'));
  await handover.close();
  expect(commands.filter((command) => command === 'ip link delete kube-ipvs0')).toHaveLength(1);
  expect(commands.indexOf('ip link delete kube-ipvs0')).toBeGreaterThan(commands.indexOf('nft delete table ip6 kube-proxy'));
});

test('[SP-159] nftables mode removes the chains of a family and keeps the table it owns', async () => {
  const { handover, commands, cleaned, lines } = setStage('nftables');
  await handover.afterSync(taken('IPv4'));
  await handover.close();
  expect(cleaned).toEqual(['IPv4']);
  expect(commands.filter((command) => command.startsWith('nft'))).toEqual([]);
  expect(lines).toEqual(['removed what kube-proxy had left behind IPv4: chain nat KUBE-SERVICES']);
});

test('[SP-159] ipvs mode removes chains first, then the servers that it has not taken over', async () => {
  const order: string[] = [];
  const answer = (command: string): ShellResult => {
    order.push(command);
    const shown =
      '5: kube-ipvs0    inet 10.96.0.1/32 scope global kube-ipvs0\n5: kube-ipvs0    inet 10.96.0.2/32 scope global x\n';
    if (command.startsWith('ip -oneline')) return { ...fine, stdout: shown };
    return command === 'ipvsadm --save -n' ? { ...fine, stdout: '-A -t 10.96.0.1:443 -s rr\n-A -t 10.96.0.2:80 -s rr\n' } : fine;
  };
  const { handover, cleaned, lines } = setStage('ipvs', answer, undefined, {
    adopted: () => ['TCP 10.96.0.1:443'],
    cleanOwn: async ({ family }) => ({ ok: true, value: [`own ${family}`] }),
  });
  await handover.afterSync(taken('IPv4'));
  await handover.close();
  expect(cleaned).toEqual(['IPv4']);
  expect(order.filter((command) => command.startsWith('ipvsadm --delete'))).toEqual(['ipvsadm --delete-service -t 10.96.0.2:80']);
  expect(lines.toSorted()).toEqual([
    'removed what an agent with other settings had left behind IPv4: own IPv4',
    'removed what kube-proxy had left behind IPv4: chain nat KUBE-SERVICES, nftables table ip kube-proxy, virtual server -t 10.96.0.2:80',
  ]);
});

test('what other modes of ours left waits for its connections, for nothing else and for no end of the agent', async () => {
  const begun: Family[] = [];
  const { handover, lines } = setStage('iptables', undefined, undefined, {
    cleanOwn: ({ family }, signal) => {
      begun.push(family);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ ok: true, value: [] })));
    },
  });
  await handover.afterSync(taken('IPv4'));
  await handover.afterSync(taken('IPv6'));
  expect(begun).toEqual(['IPv4', 'IPv6']);
  await handover.close();
  expect(lines.filter((line) => line.includes('kube-proxy'))).toHaveLength(2);
});

test('[SP-159] kube-proxy’s servers stay until their connections have ended; all else of it goes at once', async () => {
  const order: string[] = [];
  const answer = (command: string): ShellResult => {
    order.push(command);
    const shown = '5: kube-ipvs0    inet 10.96.0.1/32 scope global kube-ipvs0\n';
    if (command.startsWith('ip -oneline')) return { ...fine, stdout: shown };
    return command === 'ipvsadm --save -n' ? { ...fine, stdout: '-A -t 10.96.0.1:443 -s rr\n' } : fine;
  };
  const ended = Promise.withResolvers<void>();
  const { handover, lines } = setStage('nftables', answer, undefined, {
    retireServers: async ({ family }, signal, remove) => {
      if (family === 'IPv6') return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      await ended.promise;
      await remove();
      order.push('ended');
    },
  });
  await handover.afterSync(taken('IPv4'));
  await handover.afterSync(taken('IPv6'));
  await expect.poll(() => order.filter((command) => command === 'ipset list -name')).toHaveLength(2);
  expect(order.filter((command) => /kube-ipvs0|ipvsadm/.test(command))).toEqual([]);
  ended.resolve();
  await expect.poll(() => order.at(-1)).toBe('ended');
  await handover.close();
  expect(order).toContain('ipvsadm --delete-service -t 10.96.0.1:443');
  // The other family still has its addresses on the interface.
  expect(order).not.toContain('ip link delete kube-ipvs0');
  expect(order).toContain('ip -4 address flush dev kube-ipvs0');
  expect(lines).toContain('removed what kube-proxy had left behind IPv4: virtual server -t 10.96.0.1:443');
});

test('a bug in the removal is told and the agent lives on', async () => {
  const { handover, problems } = setStage('iptables', () => {
    throw new Error('oops');
  });
  await handover.afterSync(taken('IPv4'));
  await handover.close();
  expect(problems).toMatchObject([{ code: 'WP_CLI_HANDOVER_BUG', message: expect.stringMatching(/oops$/) as string }]);
});

test('a failure is told and ends nothing; where nothing was there nothing is said', async () => {
  const denied: ShellResult = { status: 1, stdout: '', stderr: 'Error: Operation not permitted\n' };
  const failing = setStage('nftables', () => denied, { ok: false, problem: { code: 'WP_IPTABLES_LOCKED', message: 'locked' } });
  await failing.handover.afterSync(taken('IPv4'));
  await failing.handover.close();
  expect(failing.problems.map(({ message }) => message)).toEqual([
    'what kube-proxy left behind in IPv4 could not all be removed: locked',
    expect.stringMatching(/could not all be removed: ip -oneline .*Operation not permitted$/),
    expect.stringMatching(/could not all be removed: ipset list .*Operation not permitted$/),
  ]);
  const clean = setStage('iptables', () => null);
  await clean.handover.afterSync(taken('IPv4'));
  await clean.handover.close();
  expect([clean.lines, clean.problems]).toEqual([[], []]);
});
