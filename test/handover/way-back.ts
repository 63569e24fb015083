import { expect } from 'vitest';
import type { ProxyMode } from '../../src/model/mod.ts';
import type { Lab } from '../lab/mod.ts';
import type { HeldConnection } from '../lifecycle/held-connections.ts';
import { startStandIn, syncKubeProxy } from './kube-proxy-sync.ts';
import { kubeChains, must, proxyTables, runToEnd, whoAnswers } from './node.ts';

/** Everything in node1 that kube-proxy and we have names in common for, and the sets of either. */
export async function readShared(lab: Lab): Promise<readonly string[]> {
  const tables = await proxyTables(lab);
  // The kernel takes the comment of a table with its creation only.
  const texts = await Promise.all(
    tables.map(async (table) => (await must(lab.node1, 'nft', ['list', ...table.split(' ')])).replace(/^\tcomment .*\n/m, '')),
  );
  const { code, stdout } = await lab.node1.exec('ipset', ['list', '-name']);
  const sets = code === 0 ? stdout.split('\n').filter((name) => /^(?:KUBE|WAYPOST)-/.test(name)) : [];
  const jumps = await Promise.all(
    lab.families.map((family) => must(lab.node1, family === 'IPv4' ? 'iptables-save' : 'ip6tables-save', [])),
  );
  const own = jumps.flatMap((text) => text.split('\n').filter((line) => / -j KUBE-/.test(line) && !line.startsWith('-A KUBE-')));
  return [...(await kubeChains(lab)), ...own, ...texts, ...sets].toSorted();
}

/** kube-proxy's rules serve, at each address, and connections of before live. */
export async function expectKubeProxy(lab: Lab, held: readonly HeldConnection[], when: string): Promise<void> {
  for (const family of lab.families) {
    const answers = [await whoAnswers(lab, family), await whoAnswers(lab, family, 'node-port')];
    expect({ when, family, answers }).toEqual({ when, family, answers: ['p1', 'p1'] });
  }
  for (const one of held) await one.expectAlive(when);
}

/**
 * The agent has been stopped: kube-proxy starts and syncs, and only then what is ours is cleaned away. `alone`: what
 * kube-proxy has in the kernel where nobody was before it ({@link readShared}).
 */
export async function goBackBesideKubeProxy(
  lab: Lab,
  mode: ProxyMode,
  alone: readonly string[],
  held: readonly HeldConnection[],
): Promise<void> {
  await using running = await startStandIn(lab, mode);
  await syncKubeProxy(lab, mode);
  // Rules of ours that kube-proxy does not know may still answer: there is no gap.
  for (const family of lab.families) expect(['p1', 'p2']).toContain(await whoAnswers(lab, family));
  for (const one of held) await one.expectAlive(`after the first sync of kube-proxy (${running.config})`);
  const cleaned = await runToEnd(lab.node1, ['cleanup']);
  expect(cleaned).toEqual({
    code: 0,
    output: expect.stringMatching(/^kube-proxy runs on this node \(process \d+, mode/) as string,
  });
  expect(await readShared(lab)).toEqual(alone);
  await expectKubeProxy(lab, held, 'after the cleanup beside kube-proxy');
}
