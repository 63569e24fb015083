import { fail, sideKey, succeed } from '../model/mod.ts';
import type { Family, Problem, SideChange, SideEntry, SideRules, SideSettings, SideState } from '../model/mod.ts';

/** What becomes of a call: it works, fails untouched, or is done and its answer lost. */
export type SideFate = 'works' | 'fails' | 'unheard';

/** Side rules in memory: all of a change or nothing, and the demands that a packet filter would make. */
export interface FakeSideRules extends SideRules {
  readonly entries: ReadonlyMap<string, SideEntry>;
  readonly settings: SideSettings | null;
  /** Changes that were made, the newest last. */
  readonly changes: readonly SideChange[];
  /** Another program meddles: sets or removes entries, and the rules around them are no longer as they were. */
  meddle(entries: readonly SideEntry[], remove: readonly string[]): void;
}

const injected: Problem = { code: 'WP_NFTABLES_FAKE', message: 'injected fault' };

/** `fate` is asked before each call; absent: all work. */
export function createFakeSideRules(family: Family, fate: (call: 'read' | 'apply') => SideFate = () => 'works'): FakeSideRules {
  return new MemorySideRules(family, fate);
}

class MemorySideRules implements FakeSideRules {
  readonly family: Family;
  readonly #fate: (call: 'read' | 'apply') => SideFate;
  readonly changes: SideChange[] = [];
  settings: SideSettings | null = null;
  entries = new Map<string, SideEntry>();
  #intact = false;

  constructor(family: Family, fate: (call: 'read' | 'apply') => SideFate) {
    this.family = family;
    this.#fate = fate;
  }

  async read(): Promise<{ readonly ok: true; readonly value: SideState } | { readonly ok: false; readonly problem: Problem }> {
    if (this.#fate('read') !== 'works') return { ok: false, problem: injected };
    return succeed({ entries: new Map(this.entries), intact: this.#intact });
  }

  async apply(change: SideChange): ReturnType<SideRules['apply']> {
    const fate = this.#fate('apply');
    if (fate === 'fails') return { problem: injected, operations: 0, bytes: 0 };
    const next = new Map(this.entries);
    for (const key of change.remove) next.delete(key);
    for (const entry of change.set) next.set(sideKey(entry), entry);
    const problem = findFault(change, next);
    if (problem !== null) return { problem, operations: 0, bytes: 0 };
    const operations = change.set.length + change.remove.filter((key) => this.entries.has(key)).length;
    this.entries = next;
    this.settings = change.settings;
    this.#intact = true;
    this.changes.push(change);
    return fate === 'works'
      ? { problem: null, operations, bytes: operations * 100 }
      : { problem: injected, operations: 0, bytes: 0 };
  }

  async cleanup(): ReturnType<SideRules['cleanup']> {
    if (this.settings === null && this.entries.size === 0) return succeed([]);
    this.entries = new Map();
    this.settings = null;
    this.#intact = false;
    return succeed(['table waypost']);
  }

  meddle(entries: readonly SideEntry[], remove: readonly string[]): void {
    for (const key of remove) this.entries.delete(key);
    for (const entry of entries) this.entries.set(sideKey(entry), entry);
    this.#intact = false;
  }
}

/** A packet filter refuses a decision for a group that does not exist, an empty group, a record it cannot write, and overlaps. */
function findFault({ set, remove }: SideChange, next: ReadonlyMap<string, SideEntry>): Problem | null {
  const gone = new Set(remove.filter((key) => key.startsWith('sticky/') && !next.has(key)));
  for (const entry of gone.size === 0 ? set : next.values()) {
    if (entry.kind === 'decision' && entry.decision.verdict === 'sticky') {
      const key = `sticky/${entry.decision.group}`;
      if (gone.has(key) || (set.includes(entry) && !next.has(key))) return refuse(`${key} of a decision does not exist`);
    }
    if (entry.kind === 'sticky' && entry.servers.length === 0) return refuse(`group ${entry.group} is empty`);
    if (entry.kind === 'record' && !/^[ !#-&(-~]{1,100}$/.test(entry.text))
      return refuse(`record ${entry.text} cannot be written`);
  }
  return findOverlap(set, next);
}

/** Of ranges of ports with one destination and purpose, no two may share a port. */
function findOverlap(set: SideChange['set'], next: ReadonlyMap<string, SideEntry>): Problem | null {
  if (!set.some(isRange)) return null;
  const last = new Map<string, number>();
  const ranges = [...next.values()].filter(isRange).toSorted((one, other) => one.port - other.port);
  for (const entry of ranges) {
    const purpose = sideKey({ ...entry, port: 1, lastPort: 2 });
    if (entry.port <= (last.get(purpose) ?? 0)) return refuse(`${sideKey(entry)} overlaps another range`);
    last.set(purpose, entry.lastPort);
  }
  return null;
}

type Ranged = Extract<SideEntry, { readonly lastPort?: number }> & { readonly lastPort: number };

function isRange(entry: SideEntry): entry is Ranged {
  return 'lastPort' in entry && entry.lastPort !== undefined && entry.lastPort !== entry.port;
}

function refuse(message: string): Problem {
  return fail('WP_NFTABLES_FAKE', message).problem;
}
