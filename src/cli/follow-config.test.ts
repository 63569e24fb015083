import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeConfig } from '../config/mod.ts';
import type { Loaded } from '../config/mod.ts';
import type { Problem } from '../model/mod.ts';
import { createLogger } from '../observe/mod.ts';
import { followConfig } from './follow-config.ts';
import { LiveConfig } from './live-config.ts';
import type { FileChange } from './watch-config.ts';

const path = '/etc/waypost/config.conf';

function load(text: string): Loaded {
  const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
  return makeConfig(new Map(), { name: path, text: `${head}${text}` });
}

/** An agent whose file changes when the test says so. */
function start(first: string) {
  const loaded = load(first);
  if (!loaded.ok) throw new Error(loaded.problems[0]?.message);
  const live = new LiveConfig(loaded.config);
  const timers = new Set<() => void>();
  const lines: string[] = [];
  const reported: Problem[] = [];
  const loads: string[] = [];
  let text = first;
  let asker: ((change: FileChange) => void) | null = null;
  const ended = followConfig({
    path,
    next: () => new Promise((resolve) => (asker = resolve)),
    load: async () => {
      loads.push(text);
      return load(text);
    },
    live,
    clock: {
      now: () => 0,
      after: (_, callback) => {
        timers.add(callback);
        return () => timers.delete(callback);
      },
    },
    logger: createLogger({ format: 'text', verbosity: 0, now: () => 0, write: (line) => lines.push(line.slice(31, -1)) }),
    report: (problem) => reported.push(problem),
  });
  return {
    live,
    lines,
    loads,
    codes: () => reported.map(({ code }) => code),
    reported,
    ended,
    /** The file has been quiet for long enough. */
    quiet: async () => {
      for (const callback of timers) callback();
      await turn();
      await turn();
    },
    /** The next change, of which the agent is told. */
    write: async (next: string, change: FileChange = 'updated') => {
      text = next;
      await turn();
      asker?.(change);
      await turn();
    },
  };
}

test.each([
  ['logging: {verbosity: 4}\n', 'logging.verbosity', '0', '4'],
  ['iptables: {syncPeriod: 10s}\n', 'iptables.syncPeriod', '30s', '10s'],
  ['iptables: {minSyncPeriod: 5s}\n', 'iptables.minSyncPeriod', '1s', '5s'],
  ['ipvs: {syncPeriod: 10s}\n', 'ipvs.syncPeriod', '30s', '10s'],
  ['ipvs: {minSyncPeriod: 5s}\n', 'ipvs.minSyncPeriod', '0s', '5s'],
  ['nftables: {syncPeriod: 10s}\n', 'nftables.syncPeriod', '30s', '10s'],
  ['nftables: {minSyncPeriod: 5s}\n', 'nftables.minSyncPeriod', '1s', '5s'],
])('%j is taken, and its field logged with both values', async (text, field, before, after) => {
  const agent = start('');
  const seen: number[] = [];
  agent.live.follow(({ verbosity }) => seen.push(verbosity));
  await agent.write(text);
  await agent.quiet();
  expect(agent.lines).toEqual([`setting changed field=${field} before=${before} after=${after}`]);
  expect(seen).toHaveLength(2);
  expect(agent.codes()).toEqual([]);
});

test('[SP-142] a field that needs a restart ends the agent and is named, and live ones beside it are not taken', async () => {
  const agent = start('');
  await agent.write('iptables: {masqueradeBit: 15}\nclusterCIDR: 10.244.0.0/16\nlogging: {verbosity: 4}\n');
  await agent.quiet();
  expect(await agent.ended).toEqual({
    code: 'WP_CLI_CONFIG_CHANGED',
    message: `the configuration file ${path} was updated, and a running agent cannot take what differs: iptables.masqueradeBit, clusterCIDR: ending, so that a restart takes the new configuration`,
  });
  expect(agent.live.current.verbosity).toBe(0);
});

test('[SP-142] a file that was moved away ends the agent', async () => {
  const agent = start('');
  await agent.write('', 'renamed');
  await agent.quiet();
  expect((await agent.ended).message).toContain('was renamed: ending');
  expect(agent.loads).toEqual([]);
});

test('a file that cannot be used is told of, and the next one that can is taken', async () => {
  const agent = start('');
  await agent.write('iptables: {syncPeriod: -1s}\n');
  await agent.quiet();
  expect(agent.reported.map(({ message }) => message)).toEqual([
    `${path}:3: iptables.syncPeriod must be greater than zero, not -1s`,
    expect.stringContaining('going on with the one before, while a restart would fail'),
  ]);
  expect(agent.live.current.syncPeriod).toBe(30_000);
  await agent.write('iptables: {syncPeriod: 20s}\n');
  await agent.quiet();
  expect(agent.live.current.syncPeriod).toBe(20_000);
});

test('a file that another took the place of never ends the agent', async () => {
  const agent = start('');
  await agent.write('clusterCIDR: 10.244.0.0/16\nlogging: {verbosity: 4}\n', 'replaced');
  await agent.quiet();
  expect(agent.codes()).toEqual(['WP_CLI_CONFIG_WAITS']);
  expect(agent.reported[0]?.message).toContain('clusterCIDR; nothing of it is in force before a restart');
  await agent.write('logging: {verbosity: 4}\n', 'replaced');
  await agent.quiet();
  expect(agent.live.current.verbosity).toBe(4);
});

test('a file that is written in pieces is read once, when it has been quiet', async () => {
  const agent = start('clusterCIDR: 10.244.0.0/16\n');
  await agent.write('');
  await agent.write('clusterCIDR: 10.2');
  await agent.write('clusterCIDR: 10.244.0.0/16\nlogging: {verbosity: 2}\n');
  await agent.quiet();
  expect(agent.loads).toHaveLength(1);
  expect(agent.live.current.verbosity).toBe(2);
});

test('a file that says the same changes nothing', async () => {
  const agent = start('');
  await agent.write('# a remark\n');
  await agent.quiet();
  expect(agent.lines).toEqual([`the configuration file was written, and no setting differs file=${path}`]);
});
