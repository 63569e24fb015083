import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { run } from '../ingress/announce-stage.ts';
import { askThrough, findStrays, moveAway, noStrays, startBoth } from '../ingress/fail-over-checks.ts';
import { FailOverStage, publishedService, routedVip, vip } from '../ingress/fail-over-stage.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { kernelFamilies, pollUntil } from '../lab/mod.ts';
import type { Place } from '../lab/mod.ts';
import { configOf } from '../packets/variant.ts';
import { longRuns, netlinkVariant } from './variants.ts';

const variant = netlinkVariant();
const families = kernelFamilies();
const clients = 24;

/** Clients are addresses of the one place outside. */
function clientsOf(family: Family): readonly string[] {
  return Array.from({ length: clients }, (_, at) => (family === 'IPv4' ? `192.0.2.${101 + at}` : `2001:db8:1::c:${101 + at}`));
}

async function addClients(outside: Place): Promise<void> {
  for (const family of families)
    for (const client of clientsOf(family)) {
      const length = family === 'IPv4' ? '24' : '64';
      await run(outside, 'ip', ['address', 'add', `${client}/${length}`, 'dev', 'eth0', ...(family === 'IPv6' ? ['nodad'] : [])]);
    }
}

async function placementOf(stage: FailOverStage, family: Family): Promise<ReadonlyMap<string, string>> {
  const placed = new Map<string, string>();
  for (const sourceAddress of clientsOf(family)) {
    const attempt = await stage.connect(family, { sourceAddress, timeoutMs: 4000 });
    placed.set(sourceAddress, attempt?.answer?.backend ?? `${attempt?.verdict}`);
  }
  return placed;
}

/** One stage for all: building it takes long in an emulated machine. */
describeWhere(longRuns, 'announced addresses in IPVS mode, with two agents', () => {
  let stage: FailOverStage;

  beforeAll(async () => {
    stage = await FailOverStage.build({ config: configOf(variant), flags: [...variant.flags, '--ingress-dsr-enabled'] });
    await addClients(stage.lab.outside);
    // What comes out of a tunnel is from clients, whose routes lead elsewhere; interfaces have a check of their own.
    for (const node of stage.nodes) await run(node, 'sysctl', ['-w', 'net.ipv4.conf.all.rp_filter=0']);
    stage.publish(['p1', 'p2', 'p3', 'q1', 'q2'], { 'waypost.dev/scheduler': 'mh' });
    await startBoth(stage);
  });

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  test('[INGRESS-6] what nothing takes of an announced address is sent nowhere, and other packets are sent on', async () => {
    expect(await findStrays(stage)).toEqual(noStrays);
  });

  test('[INGRESS-1] the same Service answers through every node', async () => {
    stage.cluster.put(...publishedService('routed', routedVip, ['p1', 'q1']));
    for (const node of stage.nodes)
      for (const family of families) {
        const seen = ['p1', 'q1'].map((pod) => `${pod} sees ${node.addresses[family]}`);
        expect(await askThrough(stage, node, family)).toEqual(seen);
      }
  });

  test.each(families)(
    '[INGRESS-39] [INGRESS-49] %s: another node leads each client to the back end it had, with mh',
    async (family) => {
      await stage.untilServed(family);
      const owners = await stage.owners();
      const before = await placementOf(stage, family);
      expect(new Set(before.values())).toEqual(new Set(['p1', 'p2', 'p3', 'q1', 'q2']));
      const { owner } = await moveAway(stage, family, 'killed', (node) => stage.kill(node));
      expect(await placementOf(stage, family)).toEqual(before);
      await stage.start(owner);
      await stage.untilAgreed(owners);
      const { owner: second } = await moveAway(stage, family, 'stopped', (node) => stage.stop(node));
      expect(await placementOf(stage, family)).toEqual(before);
      await stage.start(second);
      await stage.untilAgreed(owners);
    },
  );

  test('[INGRESS-38] with direct return established connections go on through another node', async () => {
    const { node1, node2, outside } = stage.lab;
    const family = 'IPv4';
    const { owner: name } = (await stage.announced(node1)).find(({ address }) => address === vip[family]) ?? {};
    const owner = name === 'node-1' ? node1 : node2;
    const pods = owner === node1 ? ['q1', 'q2'] : ['p1', 'p2'];
    stage.publish(pods, { 'waypost.dev/ingress-mode': 'dsr' });
    let last: unknown = null;
    await pollUntil(
      'clients to be seen by back ends of the other node with their own address',
      async () => {
        const answer = (await stage.connect(family))?.answer ?? null;
        last = answer;
        return answer?.source === outside.addresses[family] && pods.includes(answer.backend) ? true : null;
      },
      { explain: () => `${JSON.stringify(last)} ${stage.nodes.map((node) => stage.outputOf(node)).join('\n')}` },
    );
    const held = new Map<number, string>();
    for (const sourceAddress of clientsOf(family)) {
      const target = stage.target(family, { sourceAddress, timeoutMs: 4000 });
      const { connection, attempt } = await outside.ask({ op: 'open', ...target });
      held.set(connection, attempt.answer?.backend ?? attempt.verdict);
    }
    expect(new Set(held.values())).toEqual(new Set(pods));
    await run(owner, 'ip', ['link', 'set', 'eth0', 'down']);
    await stage.kill(owner);
    for (const [connection, backend] of held) {
      const answer = await pollUntil(`an answer of ${backend} on an old connection`, async () => {
        return (await outside.ask({ op: 'ping', connection, timeoutMs: 4000 })).answer;
      });
      expect(answer.backend).toBe(backend);
    }
  });
});
