import type { Lab } from '../lab/mod.ts';
import { describeDiff, runTool } from './diff-suite.ts';
import type { ToldDifference } from './diff-suite.ts';
import { iptablesVariants, nftablesVariants } from './variant.ts';

for (const variant of iptablesVariants) {
  const tool = variant.name === 'iptables-nft' ? 'iptables-nft' : 'iptables-legacy';
  describeDiff(variant, async (lab) => {
    const listed = await runTool(lab, tool, '-t', 'nat', '-S');
    const lines = listed.split('\n');
    // Pod p1 is a back end of one Service alone.
    const wanted = lines.find((line) => line.startsWith('-A KUBE-SVC-') && line.includes('10.244.1.11:8080')) ?? '';
    const [, chain = ''] = wanted.split(' ');
    const place = lines.filter((line) => line.startsWith(`-A ${chain} `)).indexOf(wanted) + 1;
    await runTool(lab, tool, '-t', 'nat', '-D', chain, String(place));
    await runTool(lab, tool, '-t', 'nat', '-I', 'KUBE-SERVICES', '1', '-d', '10.96.0.77', '-j', 'ACCEPT');
    const held = '-A KUBE-SERVICES -d 10.96.0.77/32 -j ACCEPT';
    return [
      { action: 'remove', service: null, place: 'iptables nat', held, wanted: null },
      { action: 'add', service: 'default/web', place: 'iptables nat', held: null, wanted },
    ];
  });
}

/** With netlink the agent hears of the change and puts it right before anybody could ask. */
for (const variant of nftablesVariants.filter(({ name }) => name === 'nftables-exec')) describeDiff(variant, meddle);

async function meddle(lab: Lab): Promise<readonly ToldDifference[]> {
  await runTool(lab, 'nft', 'delete element ip kube-proxy cluster_ips { 10.96.0.20 }');
  await runTool(lab, 'nft', 'add rule ip kube-proxy refuse_forward ip saddr 192.0.2.1 accept');
  return [
    {
      action: 'remove',
      service: null,
      place: 'nftables',
      held: 'rule ip kube-proxy refuse_forward ip saddr == 192.0.2.1 accept',
      wanted: null,
    },
    {
      action: 'add',
      service: 'default/web',
      place: 'nftables',
      held: null,
      wanted: 'element ip kube-proxy cluster_ips { 10.96.0.20 }',
    },
  ];
}
