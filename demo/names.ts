import { copyFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pollUntil } from '../test/lab/mod.ts';
import type { Lab, NameQuestion, Resolved, RunningWaypost } from '../test/lab/mod.ts';
import { check, say, sayLines } from './say.ts';
import { clusterIp } from './traffic.ts';

/** The ClusterIP of kube-system/kube-dns, which is in the resolv.conf of every pod. */
export const dnsAddress = '10.96.0.10';

const webName = 'web.shop.svc.cluster.local';
const dbName = 'db.shop.svc.cluster.local';
const outerName = 'www.example.com';
const outerAddress = '198.51.100.80';
const launcher = fileURLToPath(new URL('../bin/waypost', import.meta.url));

/** TTLs tell who answered. */
const ourTtl = 30;
const centralTtl = 5;

/** A client waits so long before it asks again; libc would wait ten times longer. */
const impatienceMs = 500;

/** What the names are asked in. */
export interface NameStage {
  readonly lab: Lab;
  /** What the agent reads. */
  readonly folder: string;
  /** Files of the demo that are not manifests. */
  readonly scratch: string;
  readonly servers: Servers;
}

/** The other servers, and how often they were asked for a name. */
export interface Servers {
  readonly central: () => number;
  readonly upstream: () => number;
}

/** Starts the servers that are not ours: the cluster's central one in a pod, and the one that the node's resolv.conf names. */
export async function startServers({ lab, scratch }: Pick<NameStage, 'lab' | 'scratch'>): Promise<Servers> {
  const script = fileURLToPath(new URL('central-dns.ts', import.meta.url));
  const start = async (place: string, pair: string, name: string): Promise<() => number> => {
    const started = lab.place(place).spawn(process.execPath, [script, pair]);
    await pollUntil(`the DNS server in ${place}`, async () => (started.output.includes('ready') ? true : null), {
      explain: () => started.output,
    });
    return () => started.output.split(`asked ${name} A\n`).length - 1;
  };
  const [central, upstream] = await Promise.all([
    start('dns', `${webName}=${clusterIp.IPv4}`, webName),
    start('gateway', `${outerName}=${outerAddress}`, outerName),
  ]);
  await writeFile(join(scratch, 'node-resolv.conf'), `nameserver ${lab.gateway.addresses.IPv4}\n`);
  await writeFile(
    join(scratch, 'pod-resolv.conf'),
    `nameserver ${dnsAddress}\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`,
  );
  return { central, upstream };
}

/** Flags of the agent. */
export function dnsFlags(scratch: string): readonly string[] {
  return ['--dns', '--resolv-conf', join(scratch, 'node-resolv.conf')];
}

function ask(
  { lab }: Pick<NameStage, 'lab'>,
  name: string,
  type: NameQuestion['type'] = 'A',
  timeoutMs = 2000,
): Promise<Resolved> {
  return lab.place('client').ask({ op: 'resolve', server: dnsAddress, name, type, timeoutMs });
}

/** A pod asks as its libc does, then question by question. */
export async function showNames(stage: NameStage): Promise<void> {
  await pollUntil('the resolver to answer', async () => ((await ask(stage, webName)).ttl === ourTtl ? true : null));
  const before = stage.servers.central();
  await showLibc(stage);
  await showAnswer(stage, webName, 'A', [clusterIp.IPv4]);
  await showAnswer(stage, webName, 'AAAA', [clusterIp.IPv6]);
  await showAnswer(stage, `_http._tcp.${webName}`, 'SRV', [`0 100 80 ${webName}`]);
  await showAnswer(stage, dbName, 'A', ['10.244.1.11', '10.244.2.10']);
  await showAnswer(stage, `db-1.${dbName}`, 'A', ['10.244.2.10']);
  await showAnswer(stage, `nowhere.${webName}`, 'A', 'ENOTFOUND');
  await showAnswer(stage, outerName, 'A', [outerAddress]);
  await showAnswer(stage, outerName, 'A', [outerAddress]);
  const upstream = stage.servers.upstream();
  const central = stage.servers.central() - before;
  say(`the central DNS was asked ${central} times, the node's upstream ${upstream} times for ${outerName}`);
  check(central === 0, 'The central DNS was asked although the node answers for itself.');
  check(upstream === 1, `The upstream was asked ${upstream} times for a name that should be cached.`);
}

/** The short name, over the search list of the pod, through the C library. */
async function showLibc({ lab, scratch }: NameStage): Promise<void> {
  const command = 'mount --bind "$0" "$(readlink -m /etc/resolv.conf)" && exec getent ahostsv4 web';
  const { code, stdout, stderr } = await lab.place('client').exec('sh', ['-c', command, join(scratch, 'pod-resolv.conf')]);
  const [first = ''] = stdout.split('\n');
  check(code === 0 && first.startsWith(clusterIp.IPv4), `getent in a pod did not find "web": ${stderr.trim() || stdout.trim()}`);
  say(`getent ahostsv4 web, with the resolv.conf that kubelet writes: ${first.split(/\s+/)[0] ?? ''}`);
}

async function showAnswer(
  stage: NameStage,
  name: string,
  type: NameQuestion['type'],
  expected: readonly string[] | 'ENOTFOUND',
): Promise<void> {
  const { code, records, elapsedMs } = await ask(stage, name, type);
  const found = code ?? records.join(', ');
  const wanted = typeof expected === 'string' ? expected : expected.join(', ');
  say(`${name} ${type}: ${code === 'ENOTFOUND' ? 'no such name' : found} (${elapsedMs.toFixed(1)} ms)`);
  check(found === wanted, `${name} ${type} should have been ${wanted}.`);
}

/** A third member of a headless Service comes: how long until a pod finds it by name. */
export async function changeMembers(stage: NameStage): Promise<void> {
  const temporary = join(stage.folder, '.db.tmp');
  await copyFile(fileURLToPath(new URL('changes/db-three.yaml', import.meta.url)), temporary);
  const at = Date.now();
  await rename(temporary, join(stage.folder, 'db.yaml'));
  const found = await pollUntil(
    'the third member in DNS',
    async () => {
      const { records } = await ask(stage, dbName);
      return records.includes('10.244.1.13') ? records : null;
    },
    { everyMs: 1 },
  );
  say(`a third member of shop/db is in DNS ${Date.now() - at} ms after its file was renamed: ${found.join(', ')}`);
}

/** What the agent says of an answer. */
export async function showExplanation({ lab }: NameStage): Promise<void> {
  const args = ['dns', 'lookup', `_sql._tcp.${dbName}`, 'SRV'];
  const { code, stdout, stderr } = await lab.node1.exec(launcher, args);
  check(code === 0, `waypost dns lookup failed: ${stderr.trim()}`);
  say(`$ waypost ${args.join(' ')}`);
  sayLines(stdout);
}

/** A question as libc asks it: again where no answer comes. */
interface Persistent {
  readonly last: Resolved;
  /** Times that it was asked again. */
  readonly again: number;
}

async function askPersistently(stage: NameStage): Promise<Persistent> {
  for (let again = 0; ; again += 1) {
    // oxlint-disable-next-line no-await-in-loop -- only after the one before was in vain
    const last = await ask(stage, webName, 'A', impatienceMs);
    if (last.code === null || again === 3) return { last, again };
  }
}

/** A pod asks one question after another while something goes on. */
async function askWhile(stage: NameStage, goesOn: (last: Resolved) => boolean): Promise<readonly Persistent[]> {
  const answers: Persistent[] = [];
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- a client that asks one after the other
    const answer = await askPersistently(stage);
    answers.push(answer);
    if (!goesOn(answer.last)) return answers;
    // oxlint-disable-next-line no-await-in-loop -- and is not alone on the machine
    await pause(5);
  }
}

function sayAnswers(what: string, answers: readonly Persistent[]): void {
  const [ours, theirs] = [ourTtl, centralTtl].map((wanted) => answers.filter(({ last }) => last.ttl === wanted).length);
  const again = answers.reduce((sum, one) => sum + one.again, 0);
  const lost = answers.filter(({ last }) => last.code !== null).length;
  say(
    `${answers.length} questions ${what}: ${ours} answered by the agent, ${theirs} by the central DNS, ${again} asked again, ${lost} lost`,
  );
  check(lost === 0, 'A question was not answered although it was asked four times.');
}

/** The agent is killed while a pod asks, and another one is started. */
export async function crashWhileAsking(
  stage: NameStage,
  agent: RunningWaypost,
  restart: () => Promise<RunningWaypost>,
): Promise<RunningWaypost> {
  const killed = agent.kill();
  const first = await askWhile(stage, ({ ttl }) => ttl !== centralTtl);
  await killed;
  const starting = restart();
  const second = await askWhile(stage, ({ ttl }) => ttl !== ourTtl);
  sayAnswers('from the kill until the new agent answered', [...first, ...second]);
  return starting;
}

/** The agent goes in order while a pod asks: the central DNS takes over. */
export async function stopWhileAsking(stage: NameStage, agent: RunningWaypost): Promise<void> {
  agent.process.signal('SIGTERM');
  const answers = await askWhile(stage, () => agent.process.running);
  check((await agent.process.exited) === 0, 'The agent did not stop in good order.');
  const after = await ask(stage, webName);
  sayAnswers('while it stopped', answers);
  check(after.ttl === centralTtl, 'Without an agent the central DNS should have answered.');
}
