import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Family } from '../../src/model/mod.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import {
  canMakeNamespaces,
  createLab,
  createTemporaryFolder,
  launcher,
  listenOnAll,
  pollUntil,
  startWaypost,
  writeManifest,
} from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import type { TemporaryFolder } from '../lab/temporary-folder.ts';
import { nodeObject, ready, service, slices } from '../packets/objects.ts';
import { expectAnswers } from './expect-answers.ts';
import { kubeletRule } from './foreign-rules.ts';
import { holdConnection, startLoad } from './held-connections.ts';
import {
  describeForeign,
  describeOwn,
  describeRules,
  differLines,
  listSets,
  ownCounters,
  readRules,
  resetRules,
  rulesOf,
  runIptables,
  setsNamed,
} from './ruleset.ts';
import type { Ruleset } from './ruleset.ts';

const shop = service('shop', 1, { type: 'LoadBalancer' });
const local = service('local', 2, { type: 'NodePort', spec: { externalTrafficPolicy: 'Local' } });
const empty = service('empty', 3);
const later = service('later', 4);
const sticky = service('sticky', 5, { spec: { sessionAffinity: 'ClientIP' } });

const capability = await canMakeNamespaces();

describe.each(['nft', 'legacy'] as const)('iptables-%s', (variant) => {
  describeWhere(capability, `stop, restart, drift and clean-up, iptables-${variant}`, () => {
    let lab: Lab;
    let folder: TemporaryFolder;
    let foreign: string;
    let agent: RunningWaypost | null = null;

    beforeAll(async () => {
      lab = await createLab();
      folder = await createTemporaryFolder('waypost-restart-');
      for (const name of ['p1', 'p2', 'q1']) await lab.place(name).listen(listenOnAll([8080]));
      await resetRules(lab, lab.node1, variant);
      foreign = describeForeign(await read());
      await writeManifest(folder.path, 'node.json', [nodeObject()]);
      await writeManifest(folder.path, 'shop.json', [shop.object, ...slices('shop', [ready('p1'), ready('q1')])]);
      await writeManifest(folder.path, 'local.json', [local.object, ...slices('local', [ready('p2'), ready('q1')])]);
      await writeManifest(folder.path, 'empty.json', [empty.object]);
      await writeManifest(folder.path, 'sticky.json', [
        sticky.object,
        ...slices('sticky', [ready('p1'), ready('p2'), ready('q1')]),
      ]);
    });

    afterAll(async () => {
      await lab?.close();
      await folder?.[Symbol.asyncDispose]();
    });

    // An agent that a failed test left behind must not fail the next one too.
    afterEach(() => agent?.kill());

    const read = (): Promise<Ruleset> => readRules(lab, lab.node1, variant);

    async function start(config: Readonly<Record<string, unknown>> = {}): Promise<RunningWaypost> {
      agent = await startWaypost(lab.node1, { manifests: folder.path, config: { mode: 'iptables', ...config } });
      return agent;
    }

    function expectForeign(found: Ruleset): void {
      expect(differLines(foreign, describeForeign(found))).toBe('');
      expect(describeForeign(found)).toBe(foreign);
    }

    const targetOf = (of: typeof shop, family: Family) => ({
      family,
      destination: of.clusterIp.addresses[family] ?? '',
      port: 80,
    });

    test('[SP-155] SIGTERM ends the agent with code 0, and rules, connections and new connections stay', async () => {
      const running = await start();
      const before = await read();
      expect(foreign).toContain('CNI-PORTMAP');
      expectForeign(before);
      const held = await Promise.all(
        lab.families.map((family) => holdConnection(lab.place('c1'), targetOf(local, family), ['p2', 'q1'])),
      );
      const load = await startLoad(lab.outside, { family: 'IPv4', destination: lab.node1.addresses.IPv4, port: shop.nodePort });
      expect(await running.stop()).toBe(0);
      expect(running.process.output).toContain('SIGTERM received: stopping, and leaving all rules in place');
      expect(differLines(describeRules(before), describeRules(await read()))).toBe('');
      for (const connection of held) await connection.expectAlive('after SIGTERM');
      for (const family of lab.families) await expectAnswers(lab.place('c1'), targetOf(shop, family), ['p1', 'q1']);
      const seen = (await load.report()).attempts;
      await pollUntil('more connections', async () => ((await load.report()).attempts > seen + 20 ? true : null));
      const report = await load.stop();
      expect(report.failures).toEqual([]);
      expect(report.answered).toBe(report.attempts);
    });

    test('[SP-155] a restart with an unchanged world changes nothing: no operation, no counter begins anew', async () => {
      const before = await read();
      const counted = ownCounters(before);
      expect([...counted.values()].filter((packets) => packets > 0).length).toBeGreaterThan(5);
      const running = await start();
      const firstSyncs = running.process.output.split('\n').filter((line) => line.includes('the first sync is complete'));
      expect(firstSyncs).toHaveLength(lab.families.length);
      for (const line of firstSyncs) expect(line).toContain(' operations=0 bytes=0 ');
      const after = await read();
      expect(describeRules(after)).toBe(describeRules(before));
      const reset = [...ownCounters(after)].filter(([rule, packets]) => packets < (counted.get(rule) ?? 0));
      expect(reset).toEqual([]);
      expectForeign(after);
      expect(await running.stop()).toBe(0);
    });

    test('[SP-85] affinity outlives a restart: every client meets the back end it met before', async () => {
      const clients = [lab.place('c1'), lab.node1, lab.outside];
      const meet = async (): Promise<readonly unknown[]> => {
        const attempts = await Promise.all(
          clients.flatMap((client) =>
            lab.families.map((family) => client.connect({ ...targetOf(sticky, family), protocol: 'TCP', timeoutMs: 4000 }, 8)),
          ),
        );
        return attempts.map((some) => [...new Set(some.map(({ answer }) => answer?.backend))]);
      };
      const before = await meet();
      for (const met of before) expect(met).toEqual([expect.stringMatching(/^(?:p1|p2|q1)$/)]);
      const running = await start();
      expect(await meet()).toEqual(before);
      expect(await running.stop()).toBe(0);
      expect(await meet()).toEqual(before);
    });

    test('[SP-156] what changed while no agent ran is put right by the first sync, and the way into our chains stays open', async () => {
      await writeManifest(folder.path, 'shop.json', [shop.object, ...slices('shop', [ready('p2')])]);
      await writeManifest(folder.path, 'empty.json', []);
      await writeManifest(folder.path, 'later.json', [later.object, ...slices('later', [ready('p1')])]);
      for (const family of lab.families) await expectAnswers(lab.place('c1'), targetOf(shop, family), ['p1', 'q1']);
      const untouched = [...ownCounters(await read())].filter(([, packets]) => packets > 0);
      const running = await start();
      for (const family of lab.families) {
        await expectAnswers(lab.place('c1'), targetOf(shop, family), ['p2']);
        await expectAnswers(lab.place('c1'), targetOf(later, family), ['p1']);
        const address = empty.clusterIp.addresses[family] ?? '';
        expect(describeRules(await read())).not.toContain(`${address}/`);
      }
      const after = ownCounters(await read());
      const jumps = untouched.filter(([rule]) => /(?:PREROUTING|OUTPUT|POSTROUTING) ACCEPT /.test(rule));
      expect(jumps.length).toBeGreaterThan(0);
      // Rules that were never taken out count on.
      expect(jumps.filter(([rule, packets]) => (after.get(rule) ?? -1) < packets)).toEqual([]);
      expectForeign(await read());
      expect(await running.stop()).toBe(0);
    });

    test.each([
      ['a jump is deleted', ['-t', 'nat', '-D', 'PREROUTING', '1']],
      ['the dispatch chain is flushed', ['-t', 'nat', '-F', 'KUBE-SERVICES']],
      ['a whole table is flushed', ['-t', 'filter', '-F']],
      ['a rule is added to a chain of ours', ['-t', 'nat', '-A', 'KUBE-POSTROUTING', '-j', 'ACCEPT']],
    ] as const)('[SP-158] %s from outside: repaired within syncPeriod + 5 s, and said', async (_, damage) => {
      const running = await start({ iptables: { syncPeriod: '1s' } });
      const good = describeOwn(await read());
      for (const family of lab.families) await runIptables(lab.node1, family, variant, damage);
      const repaired = (family: Family): boolean =>
        running.process.output.includes(`the kernel had been changed from outside and was repaired family=${family} `);
      await pollUntil('the repair of each family to be told', async () => (lab.families.every(repaired) ? true : null), {
        timeoutMs: 6000,
        explain: () => running.process.output,
      });
      expect(differLines(good, describeOwn(await read()))).toBe('');
      expect(describeOwn(await read())).toBe(good);
      for (const family of lab.families) await expectAnswers(lab.place('c1'), targetOf(later, family), ['p1']);
      expect(await running.stop()).toBe(0);
      // Damage to a whole table takes other programs' rules along, which only they can bring back.
      await resetRules(lab, lab.node1, variant);
    });

    test('[SP-157][SP-160] clean-up needs no API server, removes all of ours in both families and nothing of others', async () => {
      expect(await (await start()).stop()).toBe(0);
      const before = await read();
      expect(ownCounters(before).size).toBeGreaterThan(50);
      expect(await listSets(lab.node1)).toEqual(setsNamed(before));
      const cleaned = await lab.node1.exec('env', ['-i', `PATH=${process.env['PATH']}`, launcher, 'cleanup']);
      expect(cleaned).toMatchObject({ code: 0, stderr: '' });
      for (const family of lab.families) expect(cleaned.stdout).toMatch(new RegExp(`${family} iptables: removed \\d+`));
      const after = await read();
      expect([...ownCounters(after).keys()]).toEqual([]);
      expect(await listSets(lab.node1)).toEqual([]);
      expectForeign(after);
      for (const family of lab.families) {
        // kubelet's chain stays with all that is in it, and with the way into it.
        const kept = rulesOf(before, family, 'filter', 'KUBE-FIREWALL');
        expect(kept[0]).toContain(kubeletRule);
        expect(rulesOf(after, family, 'filter', 'KUBE-FIREWALL')).toEqual(kept);
        for (const chain of ['INPUT', 'OUTPUT']) expect(rulesOf(after, family, 'filter', chain)).toContain(' -j KUBE-FIREWALL');
      }
      const [attempt] = await lab.place('c1').connect({ ...targetOf(later, 'IPv4'), protocol: 'TCP', timeoutMs: 300 });
      expect(attempt?.verdict).toBe('timeout');
    });

    test('[SP-160] clean-up of what is clean says so and succeeds; as a flag of run it does the same', async () => {
      const again = await lab.node1.exec(launcher, ['cleanup']);
      expect(again).toMatchObject({ code: 0, stderr: '' });
      for (const family of lab.families) expect(again.stdout).toContain(`${family} iptables: nothing of ours was there\n`);
      expect(again.stdout).not.toContain('removed');
      expect(await (await start()).stop()).toBe(0);
      expect(ownCounters(await read()).size).toBeGreaterThan(50);
      expect(await lab.node1.exec(launcher, ['run', '--cleanup'])).toMatchObject({ code: 0 });
      const after = await read();
      expect([...ownCounters(after).keys()]).toEqual([]);
      expectForeign(after);
    });
  });
});
