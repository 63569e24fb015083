import { fileURLToPath } from 'node:url';
import { formatEndpoint } from '../src/model/mod.ts';
import type { Family } from '../src/model/mod.ts';
import { formatTable } from '../src/observe/mod.ts';
import { kernelHasIpvs, startWaypost, hasEachFamily } from '../test/lab/mod.ts';
import type { Attempt, Lab, RunningWaypost } from '../test/lab/mod.ts';
import { check, say, sayLines } from './say.ts';

/** Where shop/front is published. Its clients are led to node2, as a router or a load balancer in front would do it. */
const address: Readonly<Record<Family, string>> = { IPv4: '198.51.100.80', IPv6: '2001:db8:100::80' };
const ports = [80, 9000] as const;
const waypost = fileURLToPath(new URL('../bin/waypost', import.meta.url));

export interface PublishedStage {
  readonly lab: Lab;
  /** The manifests that both agents read. */
  readonly folder: string;
}

interface Asked {
  readonly family: Family;
  readonly port: number;
  readonly attempts: readonly Attempt[];
}

/** An agent on the second node accepts connections for two published ports, whose back ends are pods of both nodes. */
export async function showPublished({ lab, folder }: PublishedStage): Promise<void> {
  const mode = (await kernelHasIpvs()).ok ? 'ipvs' : 'iptables';
  await leadToNode2(lab);
  const agent = await startWaypost(lab.node2, {
    manifests: folder,
    nodeName: 'node-2',
    config: { mode },
    flags: ['--ingress-enabled=true'],
  });
  await agent.waitRows('rows of the published Service', (rows) => hasEachFamily(rows, 'shop/front', lab.families));
  const asked = await askAll(lab);
  sayLines(formatAsked(asked));
  for (const one of asked) checkAsked(one);
  sayAffinity(asked, mode);
  await showRows(lab);
  await stop(agent);
}

async function leadToNode2(lab: Lab): Promise<void> {
  for (const family of lab.families) {
    const route = ['route', 'replace', address[family], 'via', lab.node2.addresses[family]];
    const { code, stderr } = await lab.outside.exec('ip', family === 'IPv6' ? ['-6', ...route] : route);
    check(code === 0, `The outside client got no route to ${address[family]}: ${stderr.trim()}`);
  }
}

async function askAll(lab: Lab): Promise<readonly Asked[]> {
  return Promise.all(
    lab.families.flatMap((family) =>
      ports.map(async (port) => {
        const to = { family, protocol: 'TCP', destination: address[family], port, timeoutMs: 4000 } as const;
        return { family, port, attempts: await lab.outside.connect(to, 20) };
      }),
    ),
  );
}

function backendsOf({ attempts }: Asked): readonly string[] {
  return [...new Set(attempts.flatMap(({ answer }) => answer?.backend ?? []))].toSorted();
}

function formatAsked(asked: readonly Asked[]): string {
  const columns = [{ title: 'FROM' }, { title: 'TO' }, { title: 'ANSWERED', align: 'right' as const }, { title: 'BY' }];
  const cells = asked.map((one) => [
    'outside, by way of node2',
    formatEndpoint(address[one.family], one.port),
    String(one.attempts.filter(({ verdict }) => verdict === 'answered').length),
    backendsOf(one).join(', '),
  ]);
  return formatTable(columns, cells);
}

function checkAsked(one: Asked): void {
  const lost = one.attempts.filter(({ verdict }) => verdict !== 'answered').length;
  const where = formatEndpoint(address[one.family], one.port);
  check(lost === 0, `${lost} of ${one.attempts.length} connections to ${where} by way of node2 were not answered.`);
  check(backendsOf(one).length === 1, `A client with affinity met ${backendsOf(one).join(' and ')} at ${where}.`);
}

/** One affinity over all ports is what marks are for: without IPVS each port has one of its own. */
function sayAffinity(asked: readonly Asked[], mode: 'iptables' | 'ipvs'): void {
  if (mode === 'iptables') {
    say('this kernel has no ip_vs: in iptables mode a client keeps one back end for each port');
    return;
  }
  for (const [family, ofFamily] of Map.groupBy(asked, (one) => one.family)) {
    const met = new Set(ofFamily.flatMap(backendsOf));
    check(met.size === 1, `One client met ${[...met].join(' and ')} on the two ports of shop/front in ${family}.`);
  }
  say('a client keeps one back end on both ports');
}

async function showRows(lab: Lab): Promise<void> {
  const { code, stdout, stderr } = await lab.node2.exec(waypost, ['ingress']);
  check(code === 0, `waypost ingress failed: ${stderr.trim()}`);
  say('waypost ingress, on node2:');
  sayLines(stdout);
}

async function stop(agent: RunningWaypost): Promise<void> {
  const code = await agent.stop();
  check(code === 0, `The agent of node2 ended with ${code}:\n${agent.process.output}`);
}
