import { expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import { foreignRules } from '../lifecycle/foreign-rules.ts';
import { holdConnection, startLoad } from '../lifecycle/held-connections.ts';
import { syncKubeProxy } from './kube-proxy-sync.ts';
import { kubeChains, leaveBehind, must, oldRules, proxyTables, runToEnd, web, webObjects, whoAnswers } from './node.ts';
import { expectKubeProxy, goBackBesideKubeProxy, readShared } from './way-back.ts';

const foreignTable =
  'table inet other {\nchain c {\ntype filter hook input priority 0; policy accept;\ntcp dport 9 counter drop\n}\n}\n';

describeWhere(await canMakeNamespaces(), 'taking over from a kube-proxy that was stopped, and going back to it', () => {
  test.each([
    ['iptables', 'iptables'],
    ['nftables', 'iptables'],
    ['iptables', 'nftables'],
    ['nftables', 'nftables'],
  ] as const)(
    '[SP-159][SP-161][SP-157] %s mode, to our %s mode: its rules serve until our first sync and are gone after it; back in either order nothing of ours is left; no connection is lost',
    async (mode, ours) => {
      await using lab = await createLab();
      await using cluster = await createCluster(lab.node1);
      for (const pod of ['p1', 'p2']) await lab.place(pod).listen(listenOnAll([8080]));
      cluster.put(...webObjects);
      await must(lab.node1, 'iptables-restore', [], foreignRules('IPv4'));
      await must(lab.node1, 'nft', ['-f', '-'], foreignTable);
      const foreign = await must(lab.node1, 'nft', ['list', 'table', 'inet', 'other']);
      await leaveBehind(lab, mode);
      for (const family of lab.families) expect(await whoAnswers(lab, family)).toBe('p1');

      const target = { family: 'IPv4', destination: web.clusterIp.addresses.IPv4 ?? '', port: 80 } as const;
      const held = await holdConnection(lab.outside, target, ['p1']);
      const load = await startLoad(lab.outside, target);
      const before = await kubeChains(lab);
      const alone = await readShared(lab);
      const agent = await cluster.startAgent({ mode: ours });
      // The API server cannot be reached: the agent runs and knows nothing yet.
      await pollUntil('the agent to say so', async () => (agent.process.output.includes('WP_KUBE_UNREACHABLE') ? true : null), {
        explain: () => agent.process.output,
      });
      expect(await kubeChains(lab)).toEqual(before);
      expect(await proxyTables(lab)).toHaveLength(mode === 'nftables' ? lab.families.length : 0);
      expect(await whoAnswers(lab, 'IPv4')).toBe('p1');

      await cluster.connect();
      await agent.waitHealthy();
      const tables = ours === 'nftables' ? lab.families.length : 0;
      await pollUntil(
        'the old rules to go',
        async () => ((await proxyTables(lab)).length === tables && (await oldRules(lab)).length === 0 ? true : null),
        { explain: () => agent.process.output },
      );
      for (const family of lab.families) {
        expect(await whoAnswers(lab, family)).toBe('p2');
        expect(await whoAnswers(lab, family, 'node-port')).toBe('p2');
      }
      await held.expectAlive('after the takeover');
      const report = await load.stop();
      expect({ refused: report.refused, lost: report.lost, failures: report.failures }).toEqual({
        refused: 0,
        lost: 0,
        failures: [],
      });
      expect(Object.keys(report.byBackend).toSorted()).toEqual(['p1', 'p2']);
      expect(await must(lab.node1, 'nft', ['list', 'table', 'inet', 'other'])).toBe(foreign);
      expect(agent.process.output.includes('removed what kube-proxy had left behind')).toBe(mode !== ours);

      const later = await holdConnection(lab.outside, target, ['p2']);
      expect(await agent.stop()).toBe(0);
      await goBackBesideKubeProxy(lab, mode, alone, [held, later]);

      const again = await cluster.startAgent({ mode: ours });
      await again.waitHealthy(60_000);
      await pollUntil('its rules to serve alone', async () => ((await oldRules(lab)).length === 0 ? true : null), {
        explain: () => again.process.output,
      });
      expect(await whoAnswers(lab, 'IPv4')).toBe('p2');
      expect(await again.stop()).toBe(0);
      await leaveBehind(lab, 'nftables');
      const cleaned = await runToEnd(lab.node1, ['cleanup']);
      expect(cleaned).toEqual({ code: 0, output: expect.any(String) as string });
      expect(new Set(await kubeChains(lab))).toEqual(
        new Set(['KUBE-KUBELET-CANARY', 'KUBE-FIREWALL', 'KUBE-ROUTER-MASQ', 'KUBE-ROUTER-INPUT']),
      );
      expect(await proxyTables(lab)).toEqual([]);
      expect(await must(lab.node1, 'nft', ['list', 'table', 'inet', 'other'])).toBe(foreign);
      await held.expectAlive('after the cleanup');
      await syncKubeProxy(lab, mode);
      await expectKubeProxy(lab, [held, later], 'after the cleanup and the first sync of kube-proxy');
    },
    180_000,
  );
});
