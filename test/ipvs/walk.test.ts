import * as fc from 'fast-check';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shapes } from '../../src/ipvs/wish.fixture.ts';
import type { Shape } from '../../src/ipvs/wish.fixture.ts';
import { describeWhere } from '../lab/describe-lab.ts';
import { createLab } from '../lab/mod.ts';
import type { Lab } from '../lab/mod.ts';
import { patient } from '../lab/patience.ts';
import { between, createRandom, pick } from '../lifecycle/random.ts';
import type { Random } from '../lifecycle/random.ts';
import type { PlaneOrder } from './plane-child.ts';
import { startPlanes } from './planes.ts';
import { mustRun, readKernel } from './tools.ts';
import { netlinkVariant } from './variants.ts';

/**
 * The data planes on the real kernel, with what the tests on the fake cannot have: the order in which the kernel lists,
 * what a process leaves behind that was killed in the middle, what other tools delete. Whatever was before, the state is
 * that of a new agent on a node where only the last wish has ever been.
 */
const noPods = { podsOnNode1: [], podsOnNode2: [] };
const statesOfWalk = 4;
const statesOfFaults = 5;

/** What somebody does to the node. Nothing may be there to be deleted. */
const damages = [
  'ipvsadm -C',
  // Every other destination of every server.
  'ipvsadm -S -n | awk \'/^-a/ && NR % 2 { sub(/^-a/, "-d"); sub(/ -m -w .*/, ""); print }\' | ipvsadm -R',
  'ipvsadm -S -n | awk \'/^-a/ && NR % 2 { sub(/^-a/, "-e"); sub(/ -w .*/, " -w 0"); print }\' | ipvsadm -R',
  'for f in ip ip6; do nft flush table $f waypost; done',
  'for f in ip ip6; do nft delete table $f waypost; done',
  'nft flush chain ip waypost from_pod; nft flush map ip6 waypost service_pod; nft flush set ip waypost records',
  'for f in -4 -6; do ip $f route flush table 22359; ip $f route flush table local proto 87; done',
  'for f in -4 -6; do ip $f rule del pref 75; done',
] as const;

const toNothing = [
  'ipvsadm -C; nft flush ruleset',
  'for f in -4 -6; do ip $f route flush table 22359; ip $f route flush table local proto 87; ip $f rule del pref 75; done',
].join('\n');

describeWhere(netlinkVariant().capability, 'a walk through the states of the kernel', () => {
  let lab: Lab;
  let freshLab: Lab;

  beforeAll(async () => {
    [lab, freshLab] = [await createLab(noPods), await createLab(noPods)];
    // The module is loaded by the first who asks for it.
    await mustRun(freshLab.node1, 'modprobe', 'ip_vs');
  });

  afterAll(async () => {
    await lab?.close();
    await freshLab?.close();
  });

  /** What a new process makes of a wish on a node that has nothing. */
  async function buildFresh(wanted: ReadonlyMap<string, Shape>): Promise<string> {
    await freshLab.node1.exec('sh', ['-c', toNothing]);
    const planes = await startPlanes(freshLab.node1);
    expect((await planes.ask({ op: 'apply', shapes: [...wanted.values()], gone: [], complete: true })).problems).toEqual([]);
    await planes.kill();
    return readKernel(freshLab);
  }

  test.each([4711])('[IPVS-51][IPVS-50] killed and damaged on the way, from seed %i', async (seed) => {
    const random = createRandom(seed);
    const wanted = new Map<string, Shape>();
    const problems: string[] = [];
    let planes = await startPlanes(lab.node1);
    const ask = async (order: PlaneOrder): Promise<void> => {
      problems.push(...(await planes.ask(order)).problems);
    };
    const restart = async (): Promise<void> => {
      await planes.kill();
      planes = await startPlanes(lab.node1);
      await ask({ op: 'apply', shapes: [...wanted.values()], gone: [], complete: true });
    };
    await ask({ op: 'apply', shapes: [], gone: [], complete: true });
    for (const states of drawStates(random, statesOfWalk)) {
      const order = { op: 'apply', shapes: states, gone: change(wanted, states, random), complete: false } as const;
      if (random() < 0.4) {
        planes.order(order);
        await pause(patient(between(random, 0, 30)));
        await restart();
      } else await ask(order);
      if (random() < 0.6) {
        await lab.node1.exec('sh', ['-c', pick(random, damages)]);
        if (random() < 0.3) await restart();
        else await ask({ op: 'audit' });
      }
    }
    await planes.ask({ op: 'settle' });
    expect(problems).toEqual([]);
    expect(await readKernel(lab)).toBe(await buildFresh(wanted));
    expect(await planes.ask({ op: 'audit' })).toEqual({ problems: [], operations: 0 });
    await planes.kill();
  });

  test('calls that fail now and then end in the same state as soon as they fail no more', async () => {
    const random = createRandom(42);
    const wanted = new Map<string, Shape>();
    const planes = await startPlanes(lab.node1, { probability: 0.15, seed: 42 });
    const problems: string[] = [];
    for (const states of drawStates(random, statesOfFaults)) {
      const gone = change(wanted, states, random);
      problems.push(...(await planes.ask({ op: 'apply', shapes: states, gone, complete: false })).problems);
    }
    expect(problems.length).toBeGreaterThan(0);
    await planes.ask({ op: 'heal' });
    const last = await planes.ask({ op: 'apply', shapes: [...wanted.values()], gone: [], complete: true });
    expect(last.problems).toEqual([]);
    await planes.ask({ op: 'settle' });
    expect(await readKernel(lab)).toBe(await buildFresh(wanted));
    expect(await planes.ask({ op: 'audit' })).toEqual({ problems: [], operations: 0 });
    await planes.kill();
  });
});

/** Some Services each, of a dozen. */
function drawStates(random: Random, count: number): readonly (readonly Shape[])[] {
  const seed = between(random, 0, 2 ** 30);
  return fc
    .sample(fc.array(shapes, { minLength: 1, maxLength: 4 }), { seed, numRuns: count })
    .map((list) => [...new Map(list.map((shape) => [shape.name, shape])).values()]);
}

/** Makes a state part of the wish. Gives the Services that leave it. */
function change(wanted: Map<string, Shape>, list: readonly Shape[], random: Random): readonly string[] {
  const gone = [...wanted.keys()].filter((name) => random() < 0.2 && !list.some((shape) => shape.name === name));
  for (const name of gone) wanted.delete(name);
  for (const shape of list) wanted.set(shape.name, shape);
  return gone;
}
