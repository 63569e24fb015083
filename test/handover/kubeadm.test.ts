import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubeadmConfig } from '../../src/config/kubeadm-config.fixture.ts';
import { ranges } from '../lab/addressing.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, createTemporaryFolder, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { createCluster } from '../lifecycle/cluster.ts';
import { holdConnection } from '../lifecycle/held-connections.ts';
import { kubeChains, leaveBehind, proxyTables, runToEnd, startAgent, web, webObjects, whoAnswers } from './node.ts';

/** What the run printed, for the migration guide: names and times that differ from run to run are taken out. */
class Transcript {
  readonly #lines: string[] = [];

  note(command: string, output: string): void {
    this.#lines.push(`$ ${command}`, ...output.trim().split('\n'), '');
  }

  /** Where WAYPOST_TRANSCRIPT names a file, it is written there. */
  save(replacements: readonly (readonly [string | RegExp, string])[]): void {
    const path = process.env['WAYPOST_TRANSCRIPT'];
    if (path === undefined) return;
    const text = replacements.reduce((so, [from, to]) => so.replaceAll(from, to), this.#lines.join('\n'));
    writeFileSync(path, text);
  }
}

/**
 * The ConfigMap's text with the kubeconfig and the pod ranges of the lab, and with the one setting that kind
 * patches as well: only the first network namespace of a machine may set the limit that follows from it.
 */
function adapt(kubeconfig: string): string {
  const changes = [
    ['kubeconfig: /var/lib/kube-proxy/kubeconfig.conf', `kubeconfig: ${kubeconfig}`],
    ['clusterCIDR: 10.244.0.0/16,fd00:10:244::/56', `clusterCIDR: ${ranges.pods.IPv4},${ranges.pods.IPv6}`],
    ['maxPerCore: null', 'maxPerCore: 0'],
  ] as const;
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the ConfigMap has no ${from}`);
    return text.replace(from, to);
  }, kubeadmConfig);
}

async function describeNode(lab: Lab): Promise<string> {
  const chains = await kubeChains(lab);
  const old = chains.filter((name) => name.includes('WAYPOSTOLD')).length;
  const answers = await whoAnswers(lab, 'IPv4');
  return [
    `KUBE-* chains: ${chains.length}, of kube-proxy's Services: ${old}`,
    `kube-proxy nftables tables: ${(await proxyTables(lab)).length}`,
    `a new connection to the Service: answered by ${answers}`,
  ].join('\n');
}

describeWhere(await canMakeNamespaces(), 'moving from kube-proxy and back', () => {
  test('[SP-137][SP-147][SP-157][SP-160][SP-161] with the ConfigMap of kubeadm, unchanged but for what a namespace cannot have', async () => {
    await using lab = await createLab();
    await using cluster = await createCluster(lab.node1);
    await using folder = await createTemporaryFolder('waypost-kubeadm-');
    const transcript = new Transcript();
    for (const pod of ['p1', 'p2']) await lab.place(pod).listen(listenOnAll([8080]));
    cluster.put(...webObjects);
    await cluster.connect();
    const config = join(folder.path, 'config.conf');
    await writeFile(config, adapt(cluster.kubeconfig));
    // An iptables kube-proxy that was tried in nftables mode once: its tables were never cleaned.
    await leaveBehind(lab, 'nftables');
    await leaveBehind(lab, 'iptables');
    transcript.note('# kube-proxy has been stopped, its rules are still there', await describeNode(lab));
    expect(await whoAnswers(lab, 'IPv4')).toBe('p1');
    const held = await holdConnection(
      lab.outside,
      { family: 'IPv4', destination: web.clusterIp.addresses.IPv4 ?? '', port: 80 },
      ['p1'],
    );

    const words = [`--config=${config}`, '--hostname-override=node-1'];
    const agent = startAgent(lab.node1, words);
    await pollUntil('the tables to be removed', async () => ((await proxyTables(lab)).length === 0 ? true : null), {
      explain: () => agent.output,
    });
    await pollUntil(
      'both families to be taken over',
      async () => (agent.output.match(/left behind/g)?.length === lab.families.length ? true : null),
      {
        explain: () => agent.output,
      },
    );
    expect(agent.output).not.toMatch(/WP_CONFIG/);
    const score = readFileSync(`/proc/${agent.pid}/oom_score_adj`, 'utf8').trim();
    // Where the machine does not allow a score so low, the agent has said so and goes on.
    expect(agent.output.includes('WP_CLI_OOM_SCORE') ? 'refused' : score).toMatch(/^(?:refused|-999)$/);
    transcript.note(`waypost run ${words.join(' ')}`, agent.output);
    transcript.note('# after the first sync', await describeNode(lab));
    expect(await whoAnswers(lab, 'IPv4')).toBe('p2');
    expect((await kubeChains(lab)).filter((name) => name.includes('WAYPOSTOLD'))).toEqual([]);
    await held.expectAlive('after the takeover');

    expect(await agent.stop()).toBe(0);
    expect(await whoAnswers(lab, 'IPv4')).toBe('p2');
    const cleaned = await runToEnd(lab.node1, ['cleanup']);
    expect(cleaned).toEqual({ code: 0, output: expect.any(String) as string });
    transcript.note('waypost cleanup', cleaned.output);
    transcript.note('# before kube-proxy starts', await describeNode(lab));
    expect(new Set(await kubeChains(lab))).toEqual(new Set(['KUBE-FIREWALL']));

    // What a kube-proxy that starts again writes.
    await leaveBehind(lab, 'iptables');
    transcript.note('# kube-proxy has started again', await describeNode(lab));
    for (const family of lab.families) expect(await whoAnswers(lab, family)).toBe('p1');
    expect((await kubeChains(lab)).filter((name) => /^KUBE-(SVC|EXT)-IP/.test(name))).toEqual([]);
    await held.expectAlive('after the way back');
    transcript.save([
      [folder.path, '/var/lib/kube-proxy'],
      [cluster.kubeconfig, '/var/lib/kube-proxy/kubeconfig.conf'],
      [/\d{4}-\d\d-\d\dT[\d:.]+Z /g, ''],
    ]);
  }, 90_000);
});
