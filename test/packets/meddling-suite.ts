import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab, listenOnAll, pollUntil } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { expectAnswers } from '../lifecycle/expect-answers.ts';
import { createLiveCluster } from './live-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';
import { ready, service, slices } from './objects.ts';
import { configOf } from './variant.ts';
import type { Variant } from './variant.ts';

/** Something that somebody does to what is the agent's. */
export interface Meddling {
  readonly what: string;
  /** In node1. */
  readonly argv: readonly [string, ...string[]];
  /** Those that have to be repaired. */
  readonly families: readonly Family[];
  /** Who it is to be told as, where that is known. */
  readonly by: 'nft' | null;
}

/** What others change is put right when the kernel tells of it: the next audit would be a quarter of an hour later. */
export function describeMeddling(variant: Variant, meddlings: readonly Meddling[]): void {
  describeWhere(variant.capability, `changes by others, ${variant.name}`, () => {
    let lab: Lab;
    let cluster: LiveCluster;
    const web = service('web', 20, { type: 'NodePort' });

    beforeAll(async () => {
      lab = await createLab();
      await variant.prepare(lab);
      for (const name of ['p1', 'p2']) await lab.place(name).listen(listenOnAll([8080]));
      const calm = { [variant.mode]: { ...Object(configOf(variant)[variant.mode]), syncPeriod: '15m' } };
      cluster = await createLiveCluster(lab, { ...configOf(variant), ...calm }, variant.flags);
      await cluster.put([web.object, ...slices('web', [ready('p1'), ready('p2')])]);
    });

    afterAll(async () => {
      await cluster?.[Symbol.asyncDispose]();
      await lab?.close();
    });

    const expectService = async (family: Family): Promise<void> => {
      const clusterIp = web.clusterIp.addresses[family] ?? '';
      await expectAnswers(lab.place('c1'), { family, destination: clusterIp, port: 80 }, ['p1', 'p2']);
      const node = lab.node1.addresses[family] ?? '';
      await expectAnswers(lab.outside, { family, destination: node, port: web.nodePort }, ['p1', 'p2']);
    };

    test.each(meddlings)(
      '$what is put right at once, and it is told who it was',
      async ({ argv: [command, ...args], families, by }) => {
        const told = cluster.output.length;
        const { code, stderr } = await lab.node1.exec(command, args);
        expect([code, stderr]).toEqual([0, '']);
        const repairs = await pollUntil('the repairs to be told', async () => repairsIn(cluster.output.slice(told), families), {
          explain: () => cluster.output.slice(told),
        });
        expect(repairs).toEqual(new Map(families.map((family) => [family, by])));
        for (const family of lab.families) await expectService(family);
      },
    );
  });
}

/** Who was told as the cause of the repair of each family; null where one of the families has not been repaired. */
function repairsIn(output: string, families: readonly Family[]): ReadonlyMap<string, string | null> | null {
  const lines = [...output.matchAll(/was repaired family=(\S+) operations=\d+(?: by="(\S+) \(process \d+\)")?/g)];
  const repairs = new Map(lines.map(([, family = '', by = null]) => [family, by]));
  return families.every((family) => repairs.has(family)) ? repairs : null;
}
