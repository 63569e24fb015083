import type { Lookup } from '../model/mod.ts';

/**
 * A map whose frozen states share what did not change: 64 branches of 16 small maps, found by a hash of
 * the key. A change copies one small map, one branch and the root: about 80 pointers and a 1024th of
 * the entries.
 */
const width = { root: 64, branch: 16 } as const;

interface Leaf<V> {
  readonly owner: object;
  readonly entries: Map<string, V>;
}

interface Branch<V> {
  readonly owner: object;
  readonly leaves: (Leaf<V> | undefined)[];
}

type Branches<V> = (Branch<V> | undefined)[];

/** A state that never changes. Its entries come in no particular, but a repeatable order. */
class FrozenMap<V> implements Lookup<V> {
  readonly size: number;
  readonly #branches: Branches<V>;

  constructor(branches: Branches<V>, size: number) {
    this.size = size;
    this.#branches = branches;
  }

  get(key: string): V | undefined {
    const hash = hashKey(key);
    return this.#branches[branchOf(hash)]?.leaves[leafOf(hash)]?.entries.get(key);
  }

  *keys(): Generator<string> {
    for (const [key] of this) yield key;
  }

  *[Symbol.iterator](): Generator<readonly [string, V]> {
    for (const branch of this.#branches) {
      for (const leaf of branch?.leaves ?? []) if (leaf !== undefined) yield* leaf.entries;
    }
  }
}

/** The one writable end of a line of frozen states. */
export class ShardedMap<V> {
  #branches: Branches<V> = [];
  #size = 0;
  /** Nodes with another owner belong to a frozen state and are copied before they are written. */
  #owner = {};

  get(key: string): V | undefined {
    const hash = hashKey(key);
    return this.#branches[branchOf(hash)]?.leaves[leafOf(hash)]?.entries.get(key);
  }

  set(key: string, value: V): void {
    const entries = this.#writableEntries(key);
    const before = entries.size;
    entries.set(key, value);
    this.#size += entries.size - before;
  }

  delete(key: string): void {
    if (this.get(key) === undefined) return;
    if (this.#writableEntries(key).delete(key)) this.#size -= 1;
  }

  /** The state as it is now; later writes do not show in it. */
  freeze(): Lookup<V> {
    const frozen = new FrozenMap(this.#branches, this.#size);
    this.#branches = [...this.#branches];
    this.#owner = {};
    return frozen;
  }

  #writableEntries(key: string): Map<string, V> {
    const hash = hashKey(key);
    const owner = this.#owner;
    let branch = this.#branches[branchOf(hash)];
    if (branch?.owner !== owner) {
      branch = { owner, leaves: [...(branch?.leaves ?? Array.from<undefined>({ length: width.branch }))] };
      this.#branches[branchOf(hash)] = branch;
    }
    let leaf = branch.leaves[leafOf(hash)];
    if (leaf?.owner !== owner) {
      leaf = { owner, entries: new Map(leaf?.entries) };
      branch.leaves[leafOf(hash)] = leaf;
    }
    return leaf.entries;
  }
}

function branchOf(hash: number): number {
  return hash & (width.root - 1);
}

function leafOf(hash: number): number {
  return (hash >>> 6) & (width.branch - 1);
}

/** FNV-1a over UTF-16 units, folded so that the low 10 bits depend on all of it. */
function hashKey(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 12) ^ (hash >>> 24);
}
