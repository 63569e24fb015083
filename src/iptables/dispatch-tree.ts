import { addressBits, addressBytes, compareText, familyOf, formatAddress } from '../model/mod.ts';
import type { Address, Protocol, ServiceKey } from '../model/mod.ts';
import { transportName } from './names.ts';
import { renderRule } from './render.ts';
import type { RuleText } from './rule.ts';

/** One frontend's rules in a dispatch tree. */
export interface DispatchEntry {
  /** Sorts the rules of a chain; unique in its tree. */
  readonly id: string;
  readonly owner: ServiceKey;
  /** Null in a tree of node ports. */
  readonly address: Address | null;
  readonly protocol: Protocol;
  readonly port: number;
  readonly rules: readonly RuleText[];
}

export interface OwnedRule {
  readonly text: RuleText;
  readonly owner: ServiceKey | null;
}

/** A chain above this many entries is split, so a packet passes few rules at any number of Services. */
const splitAbove = 64;

/** Address nibbles from the low end: allocators vary those most. 65,536 buckets before ports are looked at. */
const addressLevels = 4;

/** Port blocks of 4096, 256 and 16. */
const portLevels = 3;

interface Node {
  readonly chain: string;
  readonly level: number;
  /** All entries at or below this node. */
  count: number;
  /** Set while the node is a leaf. */
  entries: Map<string, DispatchEntry> | null;
  /** Set while the node is split. */
  children: Map<string, Node> | null;
}

export interface TreeShape {
  readonly root: string;
  readonly childPrefix: string;
  /** What its entries are about: `port` has no address, and `address` means whatever the port is. */
  readonly by: 'address' | 'port' | 'address and port';
}

/**
 * Sends packets to frontends by address and port through a tree of chains. The shape is a function of
 * the set of entries alone: a node is split exactly while it holds more than 64 entries and has a digit
 * left to split on, so any history that ends in the same set ends in the same chains.
 */
export class DispatchTree {
  readonly #root: Node;
  readonly #childPrefix: string;
  readonly #byAddress: boolean;
  readonly #byPort: boolean;
  readonly #leaves = new Map<string, Node>();

  constructor(options: TreeShape) {
    this.#root = { chain: options.root, level: 0, count: 0, entries: new Map(), children: null };
    this.#childPrefix = options.childPrefix;
    this.#byAddress = options.by !== 'port';
    this.#byPort = options.by !== 'address';
    this.#leaves.set(options.root, this.#root);
  }

  /** Removes entries, then adds entries. Returns the names of the chains that may have changed. */
  update(removed: readonly DispatchEntry[], added: readonly DispatchEntry[]): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const entry of removed) this.#remove(entry, touched);
    for (const entry of added) this.#add(entry, touched);
    return touched;
  }

  /** The rules a chain should hold, or null if the tree has no such chain. */
  rulesOf(chain: string): readonly OwnedRule[] | null {
    const node = this.#leaves.get(chain);
    if (node === undefined) return null;
    if (node.children !== null) return this.#jumps(node);
    const entries = [...(node.entries?.values() ?? [])].toSorted((a, b) => compareText(a.id, b.id));
    return entries.flatMap((entry) => entry.rules.map((text) => ({ text, owner: entry.owner })));
  }

  /** Every chain of the tree, the root included. */
  chains(): Iterable<string> {
    return this.#leaves.keys();
  }

  #add(entry: DispatchEntry, touched: Set<string>): void {
    let node = this.#root;
    node.count += 1;
    while (node.children !== null) {
      node = this.#childFor(node, node.children, entry, touched);
      node.count += 1;
    }
    node.entries?.set(entry.id, entry);
    touched.add(node.chain);
    this.#splitWhileFull(node, touched);
  }

  #splitWhileFull(node: Node, touched: Set<string>): void {
    if (node.entries === null || node.count <= splitAbove || node.level >= this.#levels()) return;
    const children = new Map<string, Node>();
    for (const entry of node.entries.values()) {
      const child = this.#childFor(node, children, entry, touched);
      child.entries?.set(entry.id, entry);
      child.count += 1;
    }
    node.entries = null;
    node.children = children;
    touched.add(node.chain);
    for (const child of children.values()) this.#splitWhileFull(child, touched);
  }

  #childFor(node: Node, children: Map<string, Node>, entry: DispatchEntry, touched: Set<string>): Node {
    const digit = this.#digitOf(entry, node.level);
    const existing = children.get(digit);
    if (existing !== undefined) return existing;
    const stem = node.level === 0 ? this.#childPrefix : node.chain;
    const child: Node = { chain: stem + digit, level: node.level + 1, count: 0, entries: new Map(), children: null };
    children.set(digit, child);
    this.#leaves.set(child.chain, child);
    touched.add(node.chain).add(child.chain);
    return child;
  }

  #remove(entry: DispatchEntry, touched: Set<string>): void {
    const path = [this.#root];
    for (let node = this.#root; node.children !== null;) {
      const child = node.children.get(this.#digitOf(entry, node.level));
      if (child === undefined) throw new Error(`dispatch entry ${entry.id} is not in the tree`);
      path.push(child);
      node = child;
    }
    const leaf = path.at(-1);
    if (!leaf?.entries?.delete(entry.id)) throw new Error(`dispatch entry ${entry.id} is not in the tree`);
    for (const node of path) node.count -= 1;
    touched.add(leaf.chain);
    this.#dropEmptyLeaf(leaf, path.at(-2), touched);
    const merged = path.find((node) => node.children !== null && node.count <= splitAbove);
    if (merged !== undefined) this.#merge(merged, touched);
  }

  /** Only a leaf can run empty: a split node holds more than 64 entries. */
  #dropEmptyLeaf(leaf: Node, parent: Node | undefined, touched: Set<string>): void {
    if (leaf.count > 0 || parent === undefined || parent.children === null) return;
    for (const [digit, node] of parent.children) if (node === leaf) parent.children.delete(digit);
    this.#forget(leaf, touched);
    touched.add(parent.chain);
  }

  #merge(node: Node, touched: Set<string>): void {
    const entries = new Map<string, DispatchEntry>();
    const collect = (from: Node): void => {
      for (const [id, entry] of from.entries ?? []) entries.set(id, entry);
      for (const child of from.children?.values() ?? []) {
        collect(child);
        this.#forget(child, touched);
      }
    };
    collect(node);
    node.entries = entries;
    node.children = null;
    touched.add(node.chain);
  }

  #forget(node: Node, touched: Set<string>): void {
    this.#leaves.delete(node.chain);
    touched.add(node.chain);
  }

  #levels(): number {
    return (this.#byAddress ? addressLevels : 0) + (this.#byPort ? portLevels : 0);
  }

  /** The part of an entry that chooses the child at a level; ends up in the chain's name. */
  #digitOf(entry: DispatchEntry, level: number): string {
    const addressDigits = this.#byAddress ? addressLevels : 0;
    if (level < addressDigits && entry.address !== null) return nibbleOf(entry.address, level).toString(16).toUpperCase();
    const portLevel = level - addressDigits;
    const digit = ((entry.port >> (12 - 4 * portLevel)) & 0xf).toString(16).toUpperCase();
    return portLevel === 0 ? `${entry.protocol[0]}${digit}` : digit;
  }

  /** One jump for each child, in the order of the digits. */
  #jumps(node: Node): OwnedRule[] {
    const children = [...(node.children ?? [])].toSorted((a, b) => compareText(a[0], b[0]));
    return children.map(([, child]) => ({ text: this.#jumpTo(child, node.level), owner: null }));
  }

  #jumpTo(child: Node, level: number): RuleText {
    const target = { kind: 'jump', chain: child.chain } as const;
    const sample = anyEntry(child);
    const addressDigits = this.#byAddress ? addressLevels : 0;
    if (level < addressDigits && sample.address !== null) {
      return renderRule({ destination: nibbleMatch(sample.address, level), matches: [], target });
    }
    const size = 4096 >> (4 * (level - addressDigits));
    const from = Math.floor(sample.port / size) * size;
    const protocol = transportName(sample.protocol);
    return renderRule({
      protocol: { name: protocol, not: false },
      matches: [{ kind: 'destination-port', protocol, from, to: from + size - 1, not: false }],
      target,
    });
  }
}

/** Any entry below a node: all share the digits that lead to the node. */
function anyEntry(node: Node): DispatchEntry {
  let at: Node | undefined = node;
  while (at !== undefined && at.entries === null) at = at.children?.values().next().value;
  const entry = at?.entries?.values().next().value;
  if (entry === undefined) throw new Error(`dispatch chain ${node.chain} is empty`);
  return entry;
}

function nibbleOf(address: Address, level: number): number {
  const bytes = addressBytes(address);
  const byte = bytes[bytes.length - 1 - (level >> 1)] ?? 0;
  return level % 2 === 0 ? byte & 0xf : byte >> 4;
}

/** Destination with the same nibble at a level, whatever the other bits are. */
function nibbleMatch(address: Address, level: number): { address: Address; mask: Address; not: false } {
  const size = addressBits(familyOf(address)) / 8;
  const shift = level % 2 === 0 ? 0 : 4;
  const place = (value: number): Address => {
    const bytes = new Uint8Array(size);
    bytes[size - 1 - (level >> 1)] = value << shift;
    return formatAddress(bytes);
  };
  return { address: place(nibbleOf(address, level)), mask: place(0xf), not: false };
}
