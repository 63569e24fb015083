import { expect, test } from 'vitest';
import { describeWhere } from '../lab/describe-lab.ts';
import { canMakeNamespaces, createLab, createTemporaryFolder, listenOnAll } from '../lab/mod.ts';
import { ChurningServices } from './churning-services.ts';
import { KillRun, moments } from './kill-run.ts';
import type { Moment } from './kill-run.ts';
import { iptablesSubject, nftablesSubject } from './kill-subject.ts';
import { createRandom } from './random.ts';

const seed = Number(process.env['WAYPOST_TEST_SEED'] ?? 1);

describeWhere(await canMakeNamespaces(), 'an agent that is killed', () => {
  test.each([
    [iptablesSubject('nft'), 40],
    [iptablesSubject('legacy'), 10],
    [nftablesSubject(), 12],
  ] as const)(
    '[SP-155][SP-156][SP-157] $0.name: $1 kills during churn leave the rules of a fresh build, foreign rules and all traffic',
    async (subject, rounds) => {
      await using folder = await createTemporaryFolder('waypost-kill-');
      await using lab = await createLab();
      // Holds nothing but a node: rules made here owe nothing to what happened over there.
      await using witnessLab = await createLab({ podsOnNode1: [], podsOnNode2: [] });
      for (const name of ['p1', 'p2', 'p3', 'q1', 'q2']) await lab.place(name).listen(listenOnAll([8080]));
      const random = createRandom(seed);
      const services = new ChurningServices(folder.path, random);
      await services.writeAll();
      const run = new KillRun(lab, witnessLab, subject, folder.path);
      await run.begin();
      const deaths: Partial<Record<Moment, number>> = {
        starting: 0,
        changing: 0,
        ...(subject.waitForRestore === null ? {} : { restoring: 0 }),
      };
      const kinds = moments.filter((moment) => moment in deaths);
      for (let round = 1; round <= rounds; round += 1) {
        const died = await run.killAt(kinds[round % kinds.length] ?? 'starting', services, random);
        deaths[died] = (deaths[died] ?? 0) + 1;
        const name = `kill ${round} (${died}, seed ${seed})`;
        await run.expectUnharmed(name);
        // Half of the time the world moves on while nobody watches.
        if (random() < 0.5) await services.change(2);
        await run.restart();
        await run.expectFreshBuild(name, round % 10 === 0 || round === rounds);
      }
      await run.end();
      // A kind of death that never happened proves nothing.
      expect(Object.entries(deaths).filter(([, times]) => times === 0)).toEqual([]);
    },
    180_000,
  );
});
