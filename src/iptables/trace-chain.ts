import { fail, familyOf, isLoopback } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import type { ChainState, RulesetState } from './operation.ts';
import { parseRule } from './parse-rule.ts';
import type { RuleParse } from './parse-rule.ts';
import type { Rule, RuleText, TableName, Target } from './rule.ts';
import { matchRule, remember } from './trace-match.ts';
import type { TraceEnvironment, World } from './trace-packet.ts';

export type ChainVerdict = 'accept' | 'drop' | 'reject';

export interface ChainEnd {
  readonly world: World;
  readonly verdict: ChainVerdict;
}

/** Deeper than any real ruleset: the kernel refuses loops, a ruleset made by hand may hold one. */
const depthLimit = 64;

/** Above this the random matches of a ruleset multiply instead of choosing. */
const worldLimit = 100_000;

/** Walks chains of one ruleset; rules are parsed once. */
export class ChainWalker {
  readonly #ruleset: RulesetState;
  readonly #env: TraceEnvironment;
  readonly #parsed = new Map<RuleText, RuleParse>();
  #obstacle: string | null = null;

  constructor(ruleset: RulesetState, env: TraceEnvironment) {
    this.#ruleset = ruleset;
    this.#env = env;
  }

  /** Sends a world through a built-in chain, its policy included. */
  enter(table: TableName, hook: string, world: World): Outcome<readonly ChainEnd[]> {
    const chain = this.#ruleset.get(table)?.chains.get(hook);
    if (chain === undefined) return { ok: true, value: [{ world, verdict: 'accept' }] };
    const { ended, fallen } = this.#walk(table, hook, chain, [world], 0);
    if (this.#obstacle !== null) return fail('WP_IPTABLES_UNTRACEABLE', this.#obstacle);
    const policy = chain.policy === 'DROP' ? 'drop' : 'accept';
    return { ok: true, value: [...ended, ...fallen.map((one): ChainEnd => ({ world: one, verdict: policy }))] };
  }

  #walk(table: TableName, name: string, chain: ChainState, worlds: readonly World[], depth: number): Walked {
    const walked: Walked = { ended: [], fallen: [] };
    let walking = worlds;
    for (const [index, text] of chain.rules.entries()) {
      if (walking.length === 0) return walked;
      const where = `${table} ${name} ${index + 1}`;
      const rule = this.#parse(text, where);
      if (rule === null) return walked;
      const next: World[] = [];
      for (const world of walking) {
        const result = matchRule(rule, { ...world, evaluated: world.evaluated + 1 }, this.#env);
        if (typeof result === 'string') {
          this.#obstacle = `${where}: ${result}`;
          return walked;
        }
        next.push(...result.missed);
        for (const one of result.matched) {
          const matched = { ...one, path: { text: `${where} ${text}`, before: one.path } };
          this.#follow({ table, depth, rule, world: matched, walked, next });
        }
      }
      if (next.length > worldLimit) this.#obstacle = `${where}: more than ${worldLimit} ways to get past`;
      if (this.#obstacle !== null) return walked;
      walking = next;
    }
    walked.fallen.push(...walking);
    return walked;
  }

  #follow({ table, depth, rule, world, walked, next }: Following): void {
    const { target } = rule;
    if (target === null) {
      next.push(world);
      return;
    }
    switch (target.kind) {
      case 'jump':
      case 'goto': {
        const inner = this.#descend(table, target.chain, world, depth + 1);
        walked.ended.push(...inner.ended);
        (target.kind === 'jump' ? next : walked.fallen).push(...inner.fallen);
        return;
      }
      case 'return':
        walked.fallen.push(world);
        return;
      case 'mark':
        next.push(setMark(world, target));
        return;
      case 'remember':
        next.push(remember(world, target.set));
        return;
      default: {
        const end = finish(world, target, this.#env);
        if (end === null) this.#obstacle = `no route to ${world.packet.destination}, so nothing to masquerade as`;
        else walked.ended.push(end);
      }
    }
  }

  #descend(table: TableName, name: string, world: World, depth: number): Walked {
    const chain = this.#ruleset.get(table)?.chains.get(name);
    if (chain !== undefined && depth <= depthLimit) return this.#walk(table, name, chain, [world], depth);
    this.#obstacle =
      chain === undefined ? `chain ${name} of ${table} does not exist` : `chain ${name} of ${table} leads back to itself`;
    return { ended: [], fallen: [] };
  }

  #parse(text: RuleText, where: string): Rule | null {
    const parsed = this.#parsed.get(text) ?? parseRule(text);
    this.#parsed.set(text, parsed);
    if (parsed.ok && where.startsWith('raw ') && parsed.rule.matches.some((match) => match.kind === 'conntrack')) {
      this.#obstacle = `${where}: the raw table comes before connection tracking`;
      return null;
    }
    if (parsed.ok) return parsed.rule;
    this.#obstacle = `${where}: not a rule this tracer knows (${parsed.reason}): ${text}`;
    return null;
  }
}

interface Walked {
  readonly ended: ChainEnd[];
  /** Those that came to the end of the chain, or to a RETURN. */
  readonly fallen: World[];
}

interface Following {
  readonly table: TableName;
  readonly depth: number;
  readonly rule: Rule;
  readonly world: World;
  readonly walked: Walked;
  readonly next: World[];
}

type FinalTarget = Exclude<Target, { kind: 'jump' | 'goto' | 'return' | 'mark' | 'remember' }>;

/** Null where the packet is to be masqueraded and has no way out. */
function finish(world: World, target: FinalTarget, env: TraceEnvironment): ChainEnd | null {
  switch (target.kind) {
    case 'accept':
    case 'drop':
    case 'reject':
      return { world, verdict: target.kind };
    case 'dnat':
      return { world: translateDestination(world, target.address, target.port), verdict: 'accept' };
    case 'masquerade': {
      const source = masqueradeSource(world, env);
      if (source === null) return null;
      const packet = { ...world.packet, source };
      return { world: { ...world, packet, translated: { ...world.translated, source: true } }, verdict: 'accept' };
    }
    default:
      return target satisfies never;
  }
}

/**
 * The primary address of the way out. A packet that stays on the node leaves through lo, which has no
 * address of wider scope: IPv4 then takes the first one of any other interface (`inet_select_addr`), IPv6
 * the address it is sent to (RFC 6724, rule 1).
 */
function masqueradeSource({ packet, outInterface }: World, env: TraceEnvironment): Address | null {
  if (outInterface !== 'lo') return env.route(packet.destination)?.sourceAddress ?? null;
  if (packet.family === 'IPv6') return packet.destination;
  return env.localAddresses.find((address) => familyOf(address) === 'IPv4' && !isLoopback(address)) ?? null;
}

function translateDestination(world: World, destination: Address, destinationPort: number): World {
  const { packet } = world;
  const changed = packet.destination !== destination || packet.destinationPort !== destinationPort;
  const translated = { ...world.translated, destination: world.translated.destination || changed };
  return { ...world, packet: { ...packet, destination, destinationPort }, translated };
}

/** `--set-xmark`: the mask's bits are cleared, then the value's are flipped. */
function setMark(world: World, { value, mask }: Target & { kind: 'mark' }): World {
  const mark = ((world.packet.mark & ~mask) ^ value) >>> 0;
  return { ...world, packet: { ...world.packet, mark } };
}
