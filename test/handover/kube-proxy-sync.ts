import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Family, ProxyMode } from '../../src/model/mod.ts';
import { createTemporaryFolder, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { ipvsRules, ipvsScript } from './kube-proxy-ipvs.ts';
import { iptablesLeftovers, nftablesLeftovers } from './kube-proxy-rules.ts';
import { must, oldWeb } from './node.ts';

/**
 * Puts into node1 what kube-proxy's first sync in a mode leaves in the kernel, whatever is there already: its chains are
 * rewritten, jumps that are there are not doubled, and chains of Services that it does not know are deleted from nat.
 */
export async function syncKubeProxy(lab: Lab, mode: ProxyMode): Promise<void> {
  for (const family of lab.families) {
    await clearOtherModes(lab, family, mode);
    if (mode === 'nftables') {
      await must(lab.node1, 'nft', ['-f', '-'], nftablesLeftovers(family, oldWeb(lab)));
      continue;
    }
    if (mode === 'ipvs') await must(lab.node1, 'sh', ['-e'], ipvsScript(family, oldWeb(lab), lab.node1.addresses[family]));
    await restore(lab, family, mode === 'ipvs' ? ipvsRules(family) : iptablesLeftovers(family, oldWeb(lab)));
  }
}

/** What kube-proxy does first at its start: the other modes' table, or their jumps by their very words, go if they can. */
async function clearOtherModes(lab: Lab, family: Family, mode: ProxyMode): Promise<void> {
  if (mode !== 'nftables') {
    await lab.node1.exec('nft', ['delete', 'table', family === 'IPv4' ? 'ip' : 'ip6', 'kube-proxy']);
    return;
  }
  const { jumps } = splitJumps(iptablesLeftovers(family, oldWeb(lab)));
  const lines = jumps.map(([table, rule]) => `${toolOf(family)} -t ${table} -D ${rule} 2>/dev/null || true`);
  await must(lab.node1, 'sh', [], lines.filter((line) => !line.includes('KUBE-FIREWALL')).join('\n'));
}

function toolOf(family: Family): string {
  return family === 'IPv4' ? 'iptables' : 'ip6tables';
}

/** Takes jumps from built-in chains out of the input of a restore; each with its table. */
function splitJumps(rules: string): {
  readonly lines: readonly string[];
  readonly jumps: readonly (readonly [string, string])[];
} {
  const jumps: (readonly [string, string])[] = [];
  let table = '';
  const lines = rules.split('\n').filter((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    if (!/^-A (?:INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING) /.test(line)) return true;
    jumps.push([table, line.slice('-A '.length)]);
    return false;
  });
  return { lines, jumps };
}

async function restore(lab: Lab, family: Family, rules: string): Promise<void> {
  const tool = toolOf(family);
  const { lines, jumps } = splitJumps(rules);
  const held = await must(lab.node1, `${tool}-save`, ['-t', 'nat']);
  const stale = [...held.matchAll(/^:(KUBE-(?:SVC|SVL|EXT|SEP|FW)-\S+)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => !rules.includes(`:${name} `));
  const gone = ['*nat', ...stale.map((name) => `:${name} - [0:0]`), ...stale.map((name) => `-X ${name}`), 'COMMIT', ''];
  await must(lab.node1, `${tool}-restore`, ['--noflush'], [...lines, ...gone].join('\n'));
  const ensure = jumps.map(([from, rule]) => {
    const [chain = '', ...rest] = rule.split(' ');
    return `${tool} -t ${from} -C ${chain} ${rest.join(' ')} 2>/dev/null || ${tool} -t ${from} -I ${chain} ${rest.join(' ')}`;
  });
  await must(lab.node1, 'sh', ['-e'], ensure.join('\n'));
}

/** A process in node1 that looks like a kube-proxy of this mode; ended with `using`. */
export async function startStandIn(lab: Lab, mode: ProxyMode): Promise<AsyncDisposable & { readonly config: string }> {
  const folder = await createTemporaryFolder('waypost-kube-proxy-');
  const config = join(folder.path, 'config.conf');
  const document = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration', mode };
  await writeFile(config, JSON.stringify(document));
  const script = fileURLToPath(new URL('stand-in.ts', import.meta.url));
  const started = lab.node1.spawn('bash', [
    '-c',
    'exec -a kube-proxy "$@"',
    'sh',
    process.execPath,
    script,
    `--config=${config}`,
  ]);
  await pollUntil('the stand-in for kube-proxy', async () => (started.output.includes('listening') ? true : null), {
    explain: () => started.output,
  });
  return {
    config,
    async [Symbol.asyncDispose]() {
      await started.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}
