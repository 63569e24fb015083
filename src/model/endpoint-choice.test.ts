import { describe, expect, it } from 'vitest';
import { chooseEndpoints } from './mod.ts';
import type { Candidate, Vantage } from './mod.ts';

interface Named extends Candidate {
  readonly name: string;
}

const here: Vantage = { nodeName: 'n1', zone: 'a' };

function endpoint(name: string, part: Partial<Candidate> = {}): Named {
  return { name, ready: true, serving: true, terminating: false, nodeName: 'n2', zoneHints: [], nodeHints: [], ...part };
}

const draining = { ready: false, serving: true, terminating: true } as const;
const unready = { ready: false, serving: false, terminating: false } as const;
const local = { nodeName: 'n1' } as const;

function choose(endpoints: readonly Named[], vantage = here): { cluster: string; local: string; any: boolean } {
  const choice = chooseEndpoints(endpoints, vantage, { cluster: true, local: true });
  return { cluster: namesOf(choice.cluster), local: namesOf(choice.local), any: choice.any };
}

function namesOf(endpoints: readonly Named[]): string {
  return endpoints.map(nameOf).join(' ');
}

function nameOf(each: Named): string {
  return each.name;
}

describe('chooseEndpoints', () => {
  it('gives nothing for nothing', () => {
    expect(choose([])).toEqual({ cluster: '', local: '', any: false });
  });

  it('[SP-53] uses ready endpoints and never unready ones that do not terminate', () => {
    const all = [endpoint('r', local), endpoint('u', { ...unready, ...local }), endpoint('s', { ...unready, serving: true })];
    expect(choose(all)).toEqual({ cluster: 'r', local: 'r', any: true });
    expect(choose(all.slice(1))).toEqual({ cluster: '', local: '', any: false });
  });

  it('[SP-54] falls back to serving terminating endpoints only without any ready one', () => {
    const terminating = endpoint('t', { ...draining, ...local });
    expect(choose([terminating])).toEqual({ cluster: 't', local: 't', any: true });
    expect(choose([terminating, endpoint('r', local)])).toEqual({ cluster: 'r', local: 'r', any: true });
  });

  it('[SP-55] evaluates the fallback separately for the cluster and for the local list', () => {
    expect(choose([endpoint('r'), endpoint('t', { ...draining, ...local })])).toEqual({ cluster: 'r', local: 't', any: true });
  });

  it('[SP-56] never uses a terminating endpoint that does not serve', () => {
    expect(choose([endpoint('x', { ready: false, serving: false, terminating: true, ...local })])).toEqual({
      cluster: '',
      local: '',
      any: false,
    });
  });

  it('[SP-57] uses published-not-ready endpoints as ready ones', () => {
    const published = endpoint('p', { ready: true, serving: false, terminating: true, ...local });
    expect(choose([published, endpoint('t', { ...draining, ...local })])).toEqual({ cluster: 'p', local: 'p', any: true });
  });

  it('[SP-58] keeps to node hints that all ready endpoints carry and one of which names this node', () => {
    const all = [endpoint('x', { nodeHints: ['n2', 'n1'] }), endpoint('y', { nodeHints: ['n2'], zoneHints: ['a'] })];
    expect(choose(all).cluster).toBe('x');
  });

  it('[SP-59] goes on to zone hints when no node hint names this node', () => {
    const all = [
      endpoint('x', { nodeHints: ['n2'], zoneHints: ['a'] }),
      endpoint('y', { nodeHints: ['n3'], zoneHints: ['b'] }),
      endpoint('z', { nodeHints: ['n3'], zoneHints: ['b', 'a'] }),
    ];
    expect(choose(all).cluster).toBe('x z');
  });

  it('[SP-60] keeps to zone hints that all ready endpoints carry and one of which names this zone', () => {
    expect(choose([endpoint('x', { zoneHints: ['a'] }), endpoint('y', { zoneHints: ['b'] })]).cluster).toBe('x');
  });

  it('[SP-61] gives up zone hints for one ready endpoint without, whatever unready ones carry', () => {
    const hinted = [endpoint('x', { zoneHints: ['a'] }), endpoint('y', { zoneHints: ['b'] })];
    expect(choose([...hinted, endpoint('z')]).cluster).toBe('x y z');
    expect(choose([...hinted, endpoint('u', unready), endpoint('t', draining)]).cluster).toBe('x');
    expect(choose([endpoint('y', { zoneHints: ['b'] }), endpoint('u', { ...unready, zoneHints: ['a'] })]).cluster).toBe('y');
  });

  it('[SP-62] uses all ready endpoints where the node has no zone, or none is meant for its zone', () => {
    const all = [endpoint('x', { zoneHints: ['a'] }), endpoint('y', { zoneHints: ['b'] })];
    expect(choose(all, { nodeName: 'n1', zone: null }).cluster).toBe('x y');
    expect(choose(all, { nodeName: 'n1', zone: 'c' }).cluster).toBe('x y');
  });

  it('[SP-63] follows the zone of the node', () => {
    const all = [endpoint('x', { zoneHints: ['a'] }), endpoint('y', { zoneHints: ['b'] })];
    expect(['a', 'b', 'a'].map((zone) => choose(all, { nodeName: 'n1', zone }).cluster)).toEqual(['x', 'y', 'x']);
  });

  it('[SP-64] hints bear neither on local lists nor on the terminating fallback', () => {
    const elsewhere = { zoneHints: ['b'], nodeHints: ['n2'] } as const;
    const nearby = { zoneHints: ['a'], nodeHints: ['n1'] } as const;
    expect(choose([endpoint('x', { ...local, ...elsewhere }), endpoint('y', nearby)])).toEqual({
      cluster: 'y',
      local: 'x',
      any: true,
    });
    expect(choose([endpoint('s', { ...draining, ...elsewhere }), endpoint('t', { ...draining, ...nearby })]).cluster).toBe('s t');
  });

  it('[SP-16] counts nothing as local without a node name, of the endpoint or of this node', () => {
    expect(choose([endpoint('x', { nodeName: null })])).toEqual({ cluster: 'x', local: '', any: true });
    expect(choose([endpoint('x', { nodeName: null })], { nodeName: null, zone: 'a' }).local).toBe('');
  });

  it('looks only at the lists that are in use', () => {
    const remote = [endpoint('x')];
    const unused = { cluster: false, local: false };
    expect(chooseEndpoints(remote, here, unused)).toEqual({ cluster: [], local: [], any: false });
    expect(chooseEndpoints(remote, here, { ...unused, local: true })).toEqual({ cluster: [], local: [], any: true });
    expect(chooseEndpoints(remote, here, { ...unused, cluster: true })).toEqual({ cluster: remote, local: [], any: true });
  });

  it('equals the plain reference on 100,000 random inputs', () => {
    const random = createRandom(20_260_501);
    const seen = { none: 0, 'same node': 0, 'same zone': 0, fallback: 0, localOnly: 0 };
    const wrong: unknown[] = [];
    for (let round = 0; round < 100_000; round += 1) {
      const input = randomInput(random);
      const actual = chooseEndpoints(input.endpoints, input.vantage, input.uses);
      const wanted = referenceChoice(input.endpoints, input.vantage, input.uses);
      const chosen = { cluster: actual.cluster.map(nameOf), local: actual.local.map(nameOf), any: actual.any };
      if (JSON.stringify(chosen) !== JSON.stringify(wanted)) wrong.push({ input, chosen, wanted });
      seen[referenceMode(input.endpoints, input.vantage)] += 1;
      if (wanted.cluster.length > 0 && !input.endpoints.some((each) => each.ready)) seen.fallback += 1;
      if (wanted.local.length > 0 && !input.uses.cluster) seen.localOnly += 1;
    }
    expect(wrong.slice(0, 3)).toEqual([]);
    // The inputs went everywhere, or the comparison proves little.
    expect(Object.entries(seen).filter(([, count]) => count < 1000)).toEqual([]);
  });
});

interface Uses {
  readonly cluster: boolean;
  readonly local: boolean;
}

/** Specification 3.1 step by step, one endpoint at a time, with names instead of endpoints. */
function referenceChoice(
  endpoints: readonly Named[],
  vantage: Vantage,
  uses: Uses,
): { cluster: string[]; local: string[]; any: boolean } {
  const result = { cluster: [] as string[], local: [] as string[], any: false };
  if (uses.cluster) {
    const mode = referenceMode(endpoints, vantage);
    for (const each of endpoints) if (each.ready && passesMode(each, mode, vantage)) result.cluster.push(each.name);
    if (result.cluster.length === 0) {
      for (const each of endpoints) if (each.serving && each.terminating) result.cluster.push(each.name);
    }
    if (result.cluster.length > 0) result.any = true;
  }
  if (uses.local) {
    const localReady: string[] = [];
    const localTerminating: string[] = [];
    for (const each of endpoints) {
      const isLocal = each.nodeName !== null && vantage.nodeName !== null && each.nodeName === vantage.nodeName;
      if (each.ready || (each.serving && each.terminating)) result.any = true;
      if (isLocal && each.ready) localReady.push(each.name);
      if (isLocal && each.serving && each.terminating) localTerminating.push(each.name);
    }
    result.local = localReady.length === 0 ? localTerminating : localReady;
  }
  return result;
}

type Mode = 'none' | 'same node' | 'same zone';

/** The table of specification 3.2 from top to bottom, with counts. */
function referenceMode(endpoints: readonly Named[], vantage: Vantage): Mode {
  const count = { ready: 0, nodeHint: 0, thisNode: 0, zoneHint: 0, thisZone: 0 };
  for (const each of endpoints) {
    if (!each.ready) continue;
    count.ready += 1;
    if (each.nodeHints.length >= 1) count.nodeHint += 1;
    if (new Set<string | null>(each.nodeHints).has(vantage.nodeName)) count.thisNode += 1;
    if (each.zoneHints.length >= 1) count.zoneHint += 1;
    if (new Set<string | null>(each.zoneHints).has(vantage.zone)) count.thisZone += 1;
  }
  if (count.ready === 0) return 'none';
  if (count.nodeHint === count.ready && count.thisNode >= 1) return 'same node';
  if (count.zoneHint === count.ready && count.thisZone >= 1) return 'same zone';
  return 'none';
}

function passesMode(each: Named, mode: Mode, vantage: Vantage): boolean {
  switch (mode) {
    case 'none':
      return true;
    case 'same node':
      return each.nodeHints.indexOf(vantage.nodeName ?? '') >= 0;
    case 'same zone':
      return each.zoneHints.indexOf(vantage.zone ?? '') >= 0;
  }
}

/** Mulberry32: numbers from 0 up to 1, the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function randomInput(random: () => number): { endpoints: readonly Named[]; vantage: Vantage; uses: Uses } {
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  // Most inputs lean to one side, or hints on all endpoints would hardly ever occur.
  const readiness = pick([0, 0.1, 0.5, 1]);
  const hinting = pick([0, 0.7, 1, 1]);
  const hints = (names: readonly string[]): readonly string[] =>
    random() >= hinting ? [] : random() < 0.7 ? [pick(names)] : [pick(names), pick(names)];
  const count = Math.floor(random() * 7);
  const endpoints = Array.from({ length: count }, (_, index) => ({
    name: `e${index}`,
    ready: random() < readiness,
    serving: random() < 0.7,
    terminating: random() < 0.5,
    nodeName: pick(['n1', 'n2', 'n3', null]),
    zoneHints: hints(['a', 'b', 'c']),
    nodeHints: hints(['n1', 'n2', 'n3']),
  }));
  return {
    endpoints,
    vantage: { nodeName: pick(['n1', 'n1', 'n2', 'n9', null]), zone: pick(['a', 'a', 'b', 'z', null]) },
    uses: { cluster: random() < 0.8, local: random() < 0.8 },
  };
}
