import type { RawAddress } from './zone-address.ts';

const smallest = 64;

/**
 * Who has an address. An open-addressing table (linear probing) of hashes and owners: some 12 octets for each address where a
 * Map with its keys takes 60. It does not keep the addresses: two of one hash are told apart by asking the owner, which
 * whoever looks does. One address may have several owners, and one owner has an address once.
 */
export class ReverseIndex<Owner extends object> {
  #hashes = new Uint32Array(smallest);
  #owners: (Owner | undefined)[] = emptySlots(smallest);
  #count = 0;

  get size(): number {
    return this.#count;
  }

  add(address: RawAddress, owner: Owner): void {
    // Half full at the most, so that probes stay short; a table that only shrinks keeps its size.
    if ((this.#count + 1) * 2 > this.#owners.length) this.#grow();
    this.#put(hashOf(address), owner);
    this.#count += 1;
  }

  /** Takes away what `add` put; nothing where there is nothing. */
  remove(address: RawAddress, owner: Owner): void {
    const hash = hashOf(address);
    const mask = this.#owners.length - 1;
    for (let slot = hash & mask; this.#owners[slot] !== undefined; slot = (slot + 1) & mask) {
      if (this.#hashes[slot] !== hash || this.#owners[slot] !== owner) continue;
      this.#clear(slot);
      this.#count -= 1;
      return;
    }
  }

  /** Owners that may have the address: all that do, and seldom one that has another of the same hash. */
  candidates(address: RawAddress): readonly Owner[] {
    const found: Owner[] = [];
    const hash = hashOf(address);
    const mask = this.#owners.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const owner = this.#owners[slot];
      if (owner === undefined) return found;
      if (this.#hashes[slot] === hash && !found.includes(owner)) found.push(owner);
    }
  }

  #put(hash: number, owner: Owner): void {
    const mask = this.#owners.length - 1;
    let slot = hash & mask;
    while (this.#owners[slot] !== undefined) slot = (slot + 1) & mask;
    this.#hashes[slot] = hash;
    this.#owners[slot] = owner;
  }

  /** Closes the gap behind which a later entry would not be found (Knuth, volume 3, algorithm 6.4 R). */
  #clear(freed: number): void {
    const mask = this.#owners.length - 1;
    let gap = freed;
    for (let slot = (gap + 1) & mask; ; slot = (slot + 1) & mask) {
      const owner = this.#owners[slot];
      if (owner === undefined) break;
      const hash = this.#hashes[slot] ?? 0;
      if (((slot - hash) & mask) < ((slot - gap) & mask)) continue;
      this.#hashes[gap] = hash;
      this.#owners[gap] = owner;
      gap = slot;
    }
    this.#owners[gap] = undefined;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const owners = this.#owners;
    this.#hashes = new Uint32Array(owners.length * 2);
    this.#owners = emptySlots(owners.length * 2);
    for (let slot = 0; slot < owners.length; slot += 1) {
      const owner = owners[slot];
      if (owner !== undefined) this.#put(hashes[slot] ?? 0, owner);
    }
  }
}

/** Filled: a lookup must not meet holes, which are slow. */
function emptySlots<Owner>(length: number): (Owner | undefined)[] {
  const slots: (Owner | undefined)[] = [];
  for (let slot = 0; slot < length; slot += 1) slots.push(undefined);
  return slots;
}

/** Well mixed in its low bits: addresses of a cluster differ in a few octets only. */
function hashOf(address: RawAddress): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < address.length; index += 1) hash = Math.imul(hash ^ address.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
