import type { Family } from '../../src/model/mod.ts';
import { defaultPods, listHosts, planHosts } from './addressing.ts';
import type { Host, Plan } from './addressing.ts';
import { kernelFamilies } from './capability.ts';
import { removeNamespaces, runIn, sweepAbandoned } from './driver-netns.ts';
import type { LabProcess } from './lab-process.ts';
import { guard, release } from './lifetime.ts';
import type { Belongings } from './lifetime.ts';
import { Place } from './place.ts';
import { renderBuild } from './script.ts';

export interface LabOptions {
  /** Pods on node1, where the agent runs. Defaults to a client `c1` and back ends `p1`, `p2`, `p3`. */
  readonly podsOnNode1?: readonly string[];
  /** Pods on node2, which has no agent. Defaults to `q1`, `q2`. */
  readonly podsOnNode2?: readonly string[];
}

let labs = 0;

/**
 * Builds two nodes with pods, an outside client and a gateway out of network namespaces. Needs root;
 * ask `canMakeNamespaces` first. Throws, with the tools' own words, where the kernel refuses; nothing
 * is left behind then.
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  await sweepAbandoned();
  labs += 1;
  const lab = new Lab(planHosts(options.podsOnNode1 ?? defaultPods.node1, options.podsOnNode2 ?? defaultPods.node2), labs);
  try {
    await lab.build();
  } catch (error) {
    await lab.close();
    throw error;
  }
  return lab;
}

/** A lab that stands. Close it, or hold it with `await using`. */
export class Lab {
  readonly families: readonly Family[] = kernelFamilies();
  readonly node1: Place;
  readonly node2: Place;
  readonly outside: Place;
  /** Owns all external addresses and is every node's way out. */
  readonly gateway: Place;
  readonly pods: ReadonlyMap<string, Place>;
  readonly #plan: Plan;
  readonly #id: number;
  readonly #processes = new Set<LabProcess>();
  readonly #belongings: Belongings & { readonly pids: Set<number> };
  #closing: Promise<void> | null = null;

  constructor(plan: Plan, id: number) {
    this.#plan = plan;
    this.#id = id;
    const place = (host: Host): Place => new Place(host, this.#namespaceOf(host), (started) => this.#adopt(started));
    this.node1 = place(plan.node1);
    this.node2 = place(plan.node2);
    this.outside = place(plan.outside);
    this.gateway = place(plan.gateway);
    this.pods = new Map(plan.pods.map((pod) => [pod.name, place(pod)]));
    this.#belongings = { namespaces: listHosts(plan).map((host) => this.#namespaceOf(host)), pids: new Set(), folders: [] };
    guard(this.#belongings);
  }

  /** Every place by its name. */
  get places(): ReadonlyMap<string, Place> {
    const fixed = [this.gateway, this.node1, this.node2, this.outside];
    return new Map([...fixed, ...this.pods.values()].map((place) => [place.name, place]));
  }

  /** The place of that name; asking for another is a mistake in the test. */
  place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new RangeError(`the lab has no place called ${name}`);
    return place;
  }

  /** Makes the namespaces. Called by {@link createLab}. */
  async build(): Promise<void> {
    const script = renderBuild({
      plan: this.#plan,
      families: this.families,
      namespaceOf: (host) => this.#namespaceOf(host),
    });
    const { code, stderr } = await runIn(null, 'sh', [], { input: script });
    if (code !== 0) throw new Error(`the lab could not be built: ${stderr.trim()}`);
  }

  /** Forgets every connection node1 tracks, so that a reused client port is a new connection. */
  async flushConntrack(): Promise<void> {
    const { code, stderr } = await this.node1.exec('conntrack', ['-F']);
    if (code !== 0) throw new Error(`conntrack -F: ${stderr.trim()}`);
  }

  /** Ends every process and removes every namespace. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#tearDown();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #tearDown(): Promise<void> {
    const residents = [...this.places.values()].map((place) => place.endResident());
    await Promise.all([...residents, ...[...this.#processes].map((started) => started.kill())]);
    await removeNamespaces(this.#belongings.namespaces);
    release(this.#belongings);
  }

  #adopt(started: LabProcess): void {
    this.#processes.add(started);
    this.#belongings.pids.add(started.pid);
    void this.#forgetWhenEnded(started);
  }

  async #forgetWhenEnded(started: LabProcess): Promise<void> {
    await started.exited;
    this.#processes.delete(started);
    this.#belongings.pids.delete(started.pid);
  }

  #namespaceOf(host: Host): string {
    return `wp${process.pid}-${this.#id}-${host.name}`;
  }
}
