import type { Family } from '../../src/model/mod.ts';
import type { LabProcess } from '../lab/lab-process.ts';
import { launcher } from '../lab/mod.ts';
import type { Lab, Place } from '../lab/mod.ts';
import { ready, service, slices } from '../packets/objects.ts';
import type { ApiObject } from '../packets/flow.ts';
import type { OldService } from './kube-proxy-rules.ts';
import { iptablesLeftovers, nftablesLeftovers } from './kube-proxy-rules.ts';

/** What the cluster has: a Service whose only endpoint is the pod p2. */
export const web = service('web', 40, { type: 'NodePort' });
export const webObjects: readonly ApiObject[] = [web.object, ...slices('web', [ready('p2')])];

/** What kube-proxy had written of it before it was stopped, when its endpoint was p1: an answer of p1 is one of the old rules. */
export function oldWeb(lab: Lab): OldService {
  const { IPv4 = '', IPv6 = '' } = web.clusterIp.addresses;
  return { clusterIp: { IPv4, IPv6 }, port: 80, nodePort: web.nodePort, endpoint: lab.place('p1').addresses, targetPort: 8080 };
}

/** Runs a command that must succeed, and gives what it printed. */
export async function must(place: Place, command: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await place.exec(command, args, input);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim() || `exit code ${code}`}`);
  return stdout;
}

/** Puts into node1 what a kube-proxy in this mode leaves behind when its pod is deleted. */
export async function leaveBehind(lab: Lab, mode: 'iptables' | 'nftables'): Promise<void> {
  for (const family of lab.families) {
    if (mode === 'nftables') await must(lab.node1, 'nft', ['-f', '-'], nftablesLeftovers(family, oldWeb(lab)));
    else await must(lab.node1, restoreTool(family), ['--noflush'], iptablesLeftovers(family, oldWeb(lab)));
  }
}

function restoreTool(family: Family): string {
  return family === 'IPv4' ? 'iptables-restore' : 'ip6tables-restore';
}

/** Names of the chains of kube-proxy's or of ours in all tables of both families. */
export async function kubeChains(lab: Lab): Promise<readonly string[]> {
  const saved = await Promise.all(
    lab.families.map((family) => must(lab.node1, family === 'IPv4' ? 'iptables-save' : 'ip6tables-save', [])),
  );
  return [...saved.join('\n').matchAll(/^:(KUBE-\S+)/gm)].map(([, name = '']) => name);
}

/** Which tables of kube-proxy's nftables mode are there. */
export async function proxyTables(lab: Lab): Promise<readonly string[]> {
  const listed = await must(lab.node1, 'nft', ['list', 'tables']);
  return listed.split('\n').filter((line) => line.endsWith(' kube-proxy'));
}

/** What is left of the Service's old rules, in either mode of kube-proxy. */
export async function oldRules(lab: Lab): Promise<readonly string[]> {
  const chains = (await kubeChains(lab)).filter((name) => name.includes('WAYPOSTOLD'));
  const old = Object.values(oldWeb(lab).endpoint);
  const listed = await must(lab.node1, 'nft', ['list', 'ruleset']);
  return [...chains, ...listed.split('\n').filter((line) => old.some((address) => line.includes(`dnat to ${address}`)))];
}

/** The back end that answers a new connection from outside, on the ClusterIP or the node port. */
export async function whoAnswers(lab: Lab, family: Family, to: 'cluster-ip' | 'node-port' = 'cluster-ip'): Promise<string> {
  const destination = to === 'node-port' ? lab.node1.addresses[family] : (web.clusterIp.addresses[family] ?? '');
  const port = to === 'node-port' ? web.nodePort : 80;
  const [attempt] = await lab.outside.connect({ family, protocol: 'TCP', destination, port, timeoutMs: 3000 });
  return attempt?.answer?.backend ?? attempt?.verdict ?? 'no attempt';
}

/** Runs `waypost` with these words to its end. */
export async function runToEnd(
  place: Place,
  words: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const started = place.spawn(launcher, words);
  const code = await started.exited;
  return { code, output: started.output };
}

/** Starts the agent and does not wait. */
export function startAgent(place: Place, words: readonly string[]): LabProcess {
  return place.spawn(launcher, ['run', ...words]);
}
