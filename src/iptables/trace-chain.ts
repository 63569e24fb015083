import { addStep, fail, succeed } from '../model/mod.ts';
import type { Outcome, PacketWorld, StageEnd, TraceEffect, TraceHook, TraceHost } from '../model/mod.ts';
import type { ChainState, RulesetState } from './operation.ts';
import { parseHeader, parseRule } from './parse-rule.ts';
import type { RuleParse } from './parse-rule.ts';
import type { Rule, RuleText, TableName } from './rule.ts';
import { matchesHeader, matchRule } from './trace-match.ts';
import { followTarget } from './trace-target.ts';

/** Deeper than any real ruleset: the kernel refuses loops, a ruleset made by hand may hold one. */
const depthLimit = 64;

/** Above this the random matches of a ruleset multiply instead of choosing. */
const worldLimit = 100_000;

/** Where a walk is: one chain of one table, called at one hook. */
interface Place {
  readonly table: TableName;
  readonly hook: TraceHook;
  readonly host: TraceHost;
  readonly depth: number;
}

interface Walked {
  readonly ended: StageEnd[];
  /** Those that came to the end of the chain, or to a RETURN. */
  readonly fallen: PacketWorld[];
}

/**
 * Walks chains of one ruleset; rules are parsed once. A rule outside this product's vocabulary that may have matched is a
 * step of its own with the effect `unknown`, and the walk goes on as if it had not.
 */
export class ChainWalker {
  readonly #ruleset: RulesetState;
  readonly #name: string;
  readonly #parsed = new Map<RuleText, RuleParse>();
  #overrun: string | null = null;

  /** `name` stands before the places of steps: `iptables`. */
  constructor(ruleset: RulesetState, name: string) {
    this.#ruleset = ruleset;
    this.#name = name;
  }

  /** Sends a world through a built-in chain, its policy included. */
  enter(table: TableName, hook: TraceHook, world: PacketWorld, host: TraceHost): Outcome<readonly StageEnd[]> {
    const name = hook.toUpperCase();
    const chain = this.#ruleset.get(table)?.chains.get(name);
    if (chain === undefined) return succeed([{ world, verdict: 'accept' }]);
    const { ended, fallen } = this.#walk({ table, hook, host, depth: 0 }, name, chain, [world]);
    if (this.#overrun !== null) return fail('WP_IPTABLES_UNTRACEABLE', this.#overrun);
    return succeed([...ended, ...fallen.map((one) => this.#byPolicy(one, { table, hook, chain: name }, chain))]);
  }

  #byPolicy(world: PacketWorld, { table, hook, chain }: ChainName, { policy }: ChainState): StageEnd {
    if (policy !== 'DROP') return { world, verdict: 'accept' };
    const place = `${this.#name} ${table} ${chain} policy`;
    return { world: addStep(world, { hook, place, text: `-P ${chain} DROP`, effects: [{ kind: 'drop' }] }), verdict: 'drop' };
  }

  #walk(place: Place, name: string, chain: ChainState, worlds: readonly PacketWorld[]): Walked {
    const walked: Walked = { ended: [], fallen: [] };
    let walking = worlds;
    for (const [index, text] of chain.rules.entries()) {
      if (walking.length === 0) return walked;
      const where = `${this.#name} ${place.table} ${name} ${index + 1}`;
      const next: PacketWorld[] = [];
      for (const world of walking) this.#try({ place, where, text, walked, next }, world);
      if (next.length > worldLimit) this.#overrun = `${where}: more than ${worldLimit} ways to get past`;
      if (this.#overrun !== null) return walked;
      walking = next;
    }
    walked.fallen.push(...walking);
    return walked;
  }

  #try(at: Trying, before: PacketWorld): void {
    const world = { ...before, evaluated: before.evaluated + 1 };
    const parsed = this.#parse(at.text);
    if (!parsed.ok) {
      const passed = mayMatter(at.text, world) ? noteUnknown(at, world, parsed.reason) : world;
      at.next.push(passed);
      return;
    }
    const result = matchRule(parsed.rule, world, at.place.host);
    if (typeof result === 'string') {
      at.next.push(noteUnknown(at, world, result));
      return;
    }
    at.next.push(...result.missed);
    for (const one of result.matched) this.#follow(at, parsed.rule, one, one.probability / world.probability);
  }

  #follow(at: Trying, rule: Rule, world: PacketWorld, chance: number): void {
    const { place, where, text, walked, next } = at;
    const { target } = rule;
    const step = (effects: readonly TraceEffect[], of = world): PacketWorld => {
      const chosen: readonly TraceEffect[] = chance < 1 ? [{ kind: 'chance', chance }] : [];
      return addStep(of, { hook: place.hook, place: where, text, effects: [...chosen, ...effects] });
    };
    if (target?.kind === 'jump' || target?.kind === 'goto') {
      const inner = this.#descend(at, target.chain, step([{ kind: 'jump', chain: target.chain }]));
      walked.ended.push(...inner.ended);
      (target.kind === 'jump' ? next : walked.fallen).push(...inner.fallen);
      return;
    }
    const { after, effects, verdict } = followTarget(target, world, place.host);
    const stepped = step(effects, after);
    if (verdict === 'go on') next.push(stepped);
    else if (verdict === 'return') walked.fallen.push(stepped);
    else walked.ended.push({ world: stepped, verdict });
  }

  #descend(at: Trying, name: string, world: PacketWorld): Walked {
    const { place } = at;
    const chain = this.#ruleset.get(place.table)?.chains.get(name);
    const depth = place.depth + 1;
    if (chain !== undefined && depth <= depthLimit) return this.#walk({ ...place, depth }, name, chain, [world]);
    const reason =
      chain === undefined
        ? `chain ${name} of ${place.table} does not exist`
        : `chain ${name} of ${place.table} leads back to itself`;
    return { ended: [], fallen: [noteUnknown(at, world, reason)] };
  }

  #parse(text: RuleText): RuleParse {
    const parsed = this.#parsed.get(text) ?? parseRule(text);
    this.#parsed.set(text, parsed);
    return parsed;
  }
}

interface ChainName {
  readonly table: TableName;
  readonly hook: TraceHook;
  readonly chain: string;
}

interface Trying {
  readonly place: Place;
  readonly where: string;
  readonly text: RuleText;
  readonly walked: Walked;
  readonly next: PacketWorld[];
}

/** Whether a rule that is not understood may match and would then decide something. */
function mayMatter(text: RuleText, world: PacketWorld): boolean {
  const header = parseHeader(text);
  return header === null || (!header.harmless && !header.otherProtocol && matchesHeader(header.rule, world));
}

function noteUnknown({ place, where, text }: Trying, world: PacketWorld, reason: string): PacketWorld {
  return addStep(world, { hook: place.hook, place: where, text, effects: [{ kind: 'unknown', reason }] });
}
