import { expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { startStandIn, syncKubeProxy } from './kube-proxy-sync.ts';
import { must, runToEnd } from './node.ts';

interface Document {
  readonly version: number;
  readonly mode: string;
  readonly kubeProxy: Readonly<Record<string, unknown>>;
  readonly findings: readonly { readonly level: string; readonly code: string; readonly message: string }[];
}

async function check(
  lab: Lab,
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly document: Document }> {
  const { code, output } = await runToEnd(lab.node1, ['check', '--migrate', ...words, '-o', 'json']);
  return { code, document: JSON.parse(output) as Document };
}

/** Everything in node1 that a look could change. */
async function readNode({ node1 }: Lab): Promise<string> {
  const script =
    'nft list ruleset | sed "s/packets [0-9]* bytes [0-9]*//"; ip address; ip rule; cat /proc/net/ip_tables_names; sysctl -n net.ipv4.conf.all.route_localnet';
  return await must(node1, 'sh', ['-c', script]);
}

describeWhere(await canMakeNamespaces(), 'waypost check --migrate on a node with the shapes of kube-proxy', () => {
  test('one that never had any, one that left its rules, and one that runs: told apart, and nothing is changed', async () => {
    await using lab = await createLab();
    const bare = await check(lab);
    expect(bare).toMatchObject({
      code: 0,
      document: { version: 1, mode: 'iptables', kubeProxy: { state: 'absent', mode: null } },
    });

    await syncKubeProxy(lab, 'iptables');
    const before = await readNode(lab);
    const left = await check(lab, '--proxy-mode=nftables');
    expect(left).toMatchObject({ code: 0, document: { mode: 'nftables', kubeProxy: { state: 'stopped', mode: 'iptables' } } });
    const taken = left.document.findings.filter(({ code }) => code === 'WP_CLI_CHECK_MIGRATE_TAKEOVER');
    expect(taken.map(({ message }) => message)).toEqual(
      lab.families.map(
        (family) =>
          expect.stringMatching(`^${family}, mode iptables: \\d+ chains KUBE-\\*, of 1 service ports: it serves until`) as string,
      ),
    );
    expect(await readNode(lab)).toBe(before);

    await syncKubeProxy(lab, 'nftables');
    await using running = await startStandIn(lab, 'nftables');
    const seen = await check(lab);
    expect(seen).toMatchObject({ code: 0, document: { mode: 'nftables', kubeProxy: { state: 'running', mode: 'nftables' } } });
    const messages = seen.document.findings.map(({ code, message }) => `${code.replace('WP_CLI_CHECK_MIGRATE_', '')} ${message}`);
    expect(messages).toContainEqual(expect.stringMatching(/^PROXY kube-proxy runs on this node \(process \d+, mode nftables\)/));
    expect(messages).toContainEqual(expect.stringContaining(`${running.config} of process`));
    expect(messages).toContainEqual(expect.stringMatching(/^PORT port 10256 /));
    expect(messages).toContainEqual(expect.stringMatching(/^PORT port 10249 /));
    expect(messages).toContainEqual(
      expect.stringMatching(/^TAKEOVER IPv4, mode nftables: .* of 1 service ports: the first sync replaces/),
    );
    expect(messages).toContain('MARK the mark for masquerading is 0x4000 before and after');
  }, 120_000);
});
