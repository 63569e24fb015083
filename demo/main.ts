import { cp } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { canMakeNamespaces, createLab, createTemporaryFolder, listenOnAll, startWaypost } from '../test/lab/mod.ts';
import type { Lab, RunningWaypost } from '../test/lab/mod.ts';
import { DemoFailure, check, say, sayHeading } from './say.ts';
import {
  changeMembers,
  crashWhileAsking,
  dnsAddress,
  dnsFlags,
  showExplanation,
  showNames,
  startServers,
  stopWhileAsking,
} from './names.ts';
import type { NameStage } from './names.ts';
import { showPublished } from './published.ts';
import { changeBackends, checkKept, keepConnection, rowsOfWeb } from './scaling.ts';
import type { Stage } from './scaling.ts';
import { clusterIp, nodePort, showTraffic } from './traffic.ts';

/**
 * The main job on one machine: a node with the real agent, pods, a second node and an outside client in
 * network namespaces, a Service whose back ends come and go while connections are made, and pods that ask for names.
 */
async function main(): Promise<void> {
  const capability = await canMakeNamespaces();
  check(capability.ok, `This demo cannot run here: ${capability.ok ? '' : capability.reason}.`);
  await runStory();
  sayHeading('Done: everything was as expected, and nothing is left behind.');
}

/** Whatever was made for the story is gone when this settles. */
async function runStory(): Promise<void> {
  await using folder = await createTemporaryFolder('waypost-demo-');
  await cp(fileURLToPath(new URL('manifests', import.meta.url)), folder.path, { recursive: true });
  await using scratch = await createTemporaryFolder('waypost-demo-');
  sayHeading('1. Two nodes, seven pods and an outside client, in network namespaces');
  const began = performance.now();
  await using lab = await createLab({ podsOnNode1: ['client', 'web1', 'web2', 'web4'], podsOnNode2: ['web3', 'web5', 'dns'] });
  await startBackends(lab);
  const servers = await startServers({ lab, scratch: scratch.path });
  say(`built in ${Math.round(performance.now() - began)} ms; web1, web2 and web4 are pods of node1, web3, web5 and dns of node2`);
  await tellStory({ lab, folder: folder.path, scratch: scratch.path, servers });
}

async function startBackends(lab: Lab): Promise<void> {
  const wildcard = lab.families.includes('IPv6') ? '::' : '0.0.0.0';
  const backends = [...lab.pods.values()].filter(({ name }) => name.startsWith('web'));
  await Promise.all(backends.map((backend) => backend.listen(listenOnAll([8080, 9090], wildcard))));
}

async function tellStory(names: NameStage): Promise<void> {
  const { lab, folder, scratch } = names;
  sayHeading('2. The agent starts on node1, and reads a Service with three back ends');
  const began = performance.now();
  const start = (): Promise<RunningWaypost> => startWaypost(lab.node1, { manifests: folder, flags: dnsFlags(scratch) });
  const agent = await start();
  const rows = await agent.waitRows('rows with three back ends', (all) => {
    const ofWeb = rowsOfWeb(all);
    return ofWeb.length > 0 && ofWeb.every((row) => row.backends === 3);
  });
  say(`healthy ${Math.round(performance.now() - began)} ms after its start, with ${rows.length} frontends in the kernel`);
  say(`shop/web: ClusterIP ${clusterIp.IPv4} and ${clusterIp.IPv6}, port 80; node port ${nodePort}`);
  await showTraffic(lab, ['web1', 'web2', 'web3'], 60);
  const stage: Stage = { lab, agent, folder };
  const kept = await keepConnection(stage);

  sayHeading('3. From three to five back ends, while clients connect');
  await changeBackends(stage, 'changes/five.yaml', ['web1', 'web2', 'web3', 'web4', 'web5']);
  await checkKept(stage, kept);
  await showTraffic(lab, ['web1', 'web2', 'web3', 'web4', 'web5'], 120);

  sayHeading('4. From five to none: new connections are refused at once, open ones go on');
  await changeBackends(stage, 'changes/zero.yaml', []);
  await checkKept(stage, kept);
  await showTraffic(lab, [], 20);

  sayHeading('5. Back to three');
  await changeBackends(stage, 'manifests/endpoints.yaml', ['web1', 'web2', 'web3']);
  await showTraffic(lab, ['web1', 'web2', 'web3'], 60);

  sayHeading('6. A second agent on node2 accepts what is published there: two ports of one Service');
  await showPublished(stage);

  sayHeading(`7. Pods ask ${dnsAddress} for names, and their own node answers`);
  await showNames(names);
  await changeMembers(names);
  await showExplanation(names);

  sayHeading('8. The agent is killed, and another one starts, while a pod asks');
  const next = await crashWhileAsking(names, agent, start);

  sayHeading('9. It stops in order: the central DNS answers again, and all rules stay until they are cleaned up');
  await stopWhileAsking(names, next);
  await showWithoutAgent(lab);
}

async function showWithoutAgent(lab: Lab): Promise<void> {
  const target = { family: 'IPv4', protocol: 'TCP', destination: clusterIp.IPv4, port: 80 } as const;
  const client = lab.place('client');
  const without = await client.connect({ ...target, timeoutMs: 4000 }, 60);
  const answered = without.filter(({ verdict }) => verdict === 'answered').length;
  say(`without an agent ${answered} of ${without.length} connections to the ClusterIP are answered`);
  check(answered === without.length, 'Connections failed although the rules were to stay.');

  const cleanup = await lab.node1.exec(fileURLToPath(new URL('../bin/waypost', import.meta.url)), ['cleanup']);
  check(cleanup.code === 0, `waypost cleanup failed: ${cleanup.stderr.trim()}`);
  const [after] = await client.connect({ ...target, timeoutMs: 700 });
  check(after?.verdict === 'timeout', 'The ClusterIP still works although the rules were cleaned up.');
  say('after waypost cleanup the ClusterIP is an address like any other that nobody has');
}

try {
  await main();
} catch (error) {
  const sentence = error instanceof DemoFailure ? error.message : `The demo broke: ${(error as Error).stack ?? error}`;
  process.stderr.write(`\n${sentence}\n`);
  process.exitCode = 1;
}
