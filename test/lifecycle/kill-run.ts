import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pollUntil, startWaypost } from '../lab/mod.ts';
import type { Lab, RunningWaypost } from '../lab/mod.ts';
import { steady } from './churning-services.ts';
import type { ChurningServices } from './churning-services.ts';
import { holdConnection, startLoad } from './held-connections.ts';
import type { HeldConnection, Load } from './held-connections.ts';
import { between } from './random.ts';
import type { Random } from './random.ts';
import type { KillSubject } from './kill-subject.ts';
import { differLines } from './ruleset.ts';

/** When the agent dies: while it starts, some time after a change, or in the middle of a restore. */
export const moments = ['starting', 'changing', 'restoring'] as const;

export type Moment = (typeof moments)[number];

/**
 * One agent after the other in the first lab, and beside it one that lives. The audit comes far too late to help: what a
 * killed agent left must be put right by the first sync.
 */
export class KillRun {
  readonly #lab: Lab;
  readonly #witnessLab: Lab;
  readonly #subject: KillSubject;
  readonly #folder: string;
  readonly #dead: number[] = [];
  #agent!: RunningWaypost;
  #witness!: RunningWaypost;
  #foreign = '';
  #held: readonly HeldConnection[] = [];
  #loads: readonly Load[] = [];

  constructor(lab: Lab, witnessLab: Lab, subject: KillSubject, folder: string) {
    this.#lab = lab;
    this.#witnessLab = witnessLab;
    this.#subject = subject;
    this.#folder = folder;
  }

  async begin(): Promise<void> {
    await this.#subject.reset(this.#lab);
    this.#foreign = await this.#subject.readForeign(this.#lab);
    assert.notEqual(this.#foreign, '');
    await Promise.all([this.restart(), this.#renewWitness()]);
    await this.expectFreshBuild('the start', false);
    const [pod, outside] = [this.#lab.place('c1'), this.#lab.outside];
    const targets = this.#lab.families.map((family) => ({
      inside: { family, destination: steady.clusterIp.addresses[family] ?? '', port: 80 },
      outside: { family, destination: this.#lab.node1.addresses[family], port: steady.nodePort },
    }));
    this.#held = await Promise.all(
      targets.flatMap((to) => [holdConnection(pod, to.inside, ['p1']), holdConnection(outside, to.outside, ['p1'])]),
    );
    this.#loads = await Promise.all(targets.flatMap((to) => [startLoad(pod, to.inside), startLoad(outside, to.outside)]));
  }

  async restart(): Promise<void> {
    this.#agent = await this.#start(this.#lab);
  }

  /** Changes Services and kills the agent. Gives the moment at which it really died. */
  async killAt(moment: Moment, services: ChurningServices, random: Random): Promise<Moment> {
    await services.change(between(random, 1, 6));
    let died = moment;
    if (moment === 'starting') {
      await this.#kill();
      this.#agent = await this.#start(this.#lab, false);
      await pause(between(random, 0, 700));
    } else if (moment === 'changing') {
      await pause(between(random, 0, 300));
    } else if (!(await this.#subject.waitForRestore?.(this.#agent.process.pid, 1000))) {
      // The change made no difference to any rule.
      died = 'changing';
    }
    await this.#kill();
    return died;
  }

  /** Right after a death: other programs' rules are there, and established connections answer. */
  async expectUnharmed(when: string): Promise<void> {
    const foreign = await this.#subject.readForeign(this.#lab);
    assert.equal(differLines(this.#foreign, foreign), '', `foreign rules after ${when}`);
    assert.equal(foreign, this.#foreign, `order of the foreign rules after ${when}`);
    await this.#expectConnections(`after ${when}`);
  }

  /**
   * The whole rule set equals that of the agent in the other lab, which nobody kills and which, where
   * `anew`, starts from nothing but the foreign rules for this comparison. A real agent is the witness
   * because then manifests are read and rules are printed by the same programs on both sides, and all
   * that differs is what each agent has been through.
   */
  async expectFreshBuild(when: string, anew: boolean): Promise<void> {
    if (anew) await this.#renewWitness();
    let difference = '';
    await pollUntil(
      `the rules of a fresh build after ${when}`,
      async () => {
        const [found, wanted] = await Promise.all([this.#subject.readAll(this.#lab), this.#subject.readAll(this.#witnessLab)]);
        difference = differLines(wanted, found);
        return wanted === found ? true : null;
      },
      { timeoutMs: 5000, explain: () => `${difference}\nThe agent said:\n${this.#agent.process.output}` },
    );
    await this.#expectConnections(`after the restart that followed ${when}`);
  }

  async end(): Promise<void> {
    for (const load of this.#loads) {
      const report = await load.stop();
      assert.deepEqual(report.failures, [], `new connections ${load.name}`);
      assert.ok(report.attempts > 100, `${report.attempts} new connections ${load.name}`);
      assert.equal(report.answered, report.attempts, `new connections ${load.name}`);
    }
    await this.#kill();
    await this.#witness.stop();
    await this.#expectNoStraySets();
    await pollUntil('the helpers of the dead to clear up', async () => (this.#listRemains().length === 0 ? true : null), {
      timeoutMs: 5000,
      explain: () => this.#listRemains().join(', '),
    });
  }

  async #expectConnections(when: string): Promise<void> {
    await Promise.all(this.#held.map((connection) => connection.expectAlive(when)));
  }

  /** Sets that a death left behind, or that the kernel would not let go at once, are gone after an audit. */
  async #expectNoStraySets(): Promise<void> {
    const { audited, flags } = this.#subject;
    const agent = await startWaypost(this.#lab.node1, { manifests: this.#folder, config: audited, flags });
    let strays: readonly string[] = [];
    await pollUntil(
      'the sets to be those that rules name',
      async () => {
        strays = await this.#subject.readStrays(this.#lab.node1, this.#lab);
        return strays[0] === strays[1] ? true : null;
      },
      { timeoutMs: 5000, explain: () => `There are ${strays[0]}\nand rules name ${strays[1]}` },
    );
    assert.equal(await agent.stop(), 0);
  }

  async #kill(): Promise<void> {
    this.#dead.push(this.#agent.process.pid);
    await this.#agent.kill();
  }

  async #renewWitness(): Promise<void> {
    await this.#witness?.stop();
    await this.#subject.reset(this.#witnessLab);
    this.#witness = await this.#start(this.#witnessLab);
  }

  #start(lab: Lab, waitHealthy = true): Promise<RunningWaypost> {
    const { config, flags } = this.#subject;
    return startWaypost(lab.node1, { manifests: this.#folder, config, flags, waitHealthy });
  }

  /**
   * The files that the helper shells of dead agents have left behind. A folder without any may be left by
   * an agent that died before it had started the shell.
   */
  #listRemains(): readonly string[] {
    const folders = this.#dead.map((pid) => `waypost-${pid}-`);
    const left = ['/dev/shm', '/run', tmpdir()].flatMap((place) => readdirSync(place).map((name) => join(place, name)));
    return left
      .filter((path) => folders.some((folder) => basename(path).startsWith(folder)))
      .flatMap((path) => readdirSync(path).map((name) => join(path, name)));
  }
}
