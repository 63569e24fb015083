import { succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import type { RulesetState } from './operation.ts';
import type { TableName } from './rule.ts';
import { ChainWalker } from './trace-chain.ts';
import type { ChainVerdict } from './trace-chain.ts';
import { isLocal } from './trace-match.ts';
import type { PathStep, TraceEnvironment, TracePacket, World } from './trace-packet.ts';

export type { TraceEnvironment, TracePacket } from './trace-packet.ts';

/** One of the ways the packet can go. */
export interface TraceOutcome {
  /** `unreachable`: let through, but there is no route. */
  readonly verdict: ChainVerdict | 'unreachable';
  /** Where an accepted packet ends: in a process on this node, or on a wire; null if not accepted. */
  readonly delivered: 'local' | 'wire' | null;
  /** After DNAT. */
  readonly destination: Address;
  readonly destinationPort: number;
  /** The source that the receiver sees. */
  readonly seenSource: Address;
  readonly masqueraded: boolean;
  /** How likely this way is, 0 to 1; all ways add up to 1. */
  readonly probability: number;
  /** The packet's mark at the end. */
  readonly mark: number;
  /** Rules compared, in all tables and chains. */
  readonly evaluated: number;
  /** The rules that matched, in order: `<table> <chain> <number> <text>`. */
  readonly path: readonly string[];
}

export interface TraceResult {
  readonly outcomes: readonly TraceOutcome[];
  /** Rules compared, weighted by probability. */
  readonly meanRules: number;
  readonly worstRules: number;
}

type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/** The tables of each hook in the order of their priorities (`enum nf_ip_hook_priorities`). */
const hookTables: Readonly<Record<Hook, readonly TableName[]>> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'security', 'nat'],
  FORWARD: ['mangle', 'filter', 'security'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter', 'security'],
  POSTROUTING: ['mangle', 'nat'],
};

/**
 * Sends the first packet of a connection through a ruleset the way the kernel does and gives every way it
 * can go. Fails with WP_IPTABLES_UNTRACEABLE on reaching a rule outside this product's vocabulary: a guess
 * would be worse than no answer. Reverse path filters and martian checks are not looked at.
 */
export function trace(ruleset: RulesetState, packet: TracePacket, env: TraceEnvironment): Outcome<TraceResult> {
  const tracer = new Tracer(ruleset, env);
  const world: World = {
    packet: { sourcePort: 40_000, ...packet },
    inInterface: packet.inInterface ?? '',
    outInterface: '',
    translated: { destination: false, source: false },
    clientSets: env.clientSets ?? new Set(),
    probability: 1,
    evaluated: 0,
    path: null,
  };
  const problem = packet.inInterface === null ? tracer.send(world) : tracer.receive(world);
  if (problem !== null) return problem;
  const { outcomes } = tracer;
  return succeed({
    outcomes,
    meanRules: outcomes.reduce((sum, one) => sum + one.probability * one.evaluated, 0),
    worstRules: outcomes.reduce((most, one) => Math.max(most, one.evaluated), 0),
  });
}

function withoutNat(hook: Hook): readonly TableName[] {
  return hookTables[hook].filter((table) => table !== 'nat');
}

type Failure = Outcome<never> & { readonly ok: false };

/** Follows one packet; every method gives the first failure, or null. */
class Tracer {
  readonly outcomes: TraceOutcome[] = [];
  readonly #walker: ChainWalker;
  readonly #env: TraceEnvironment;

  constructor(ruleset: RulesetState, env: TraceEnvironment) {
    this.#walker = new ChainWalker(ruleset, env);
    this.#env = env;
  }

  /** From outside. */
  receive(world: World): Failure | null {
    return this.#pass(world, 'PREROUTING', hookTables.PREROUTING, (one) =>
      isLocal(one.packet.destination, this.#env) ? this.#deliver(one, hookTables.INPUT) : this.#forward(one),
    );
  }

  /** From a process on the node. The output interface is the one chosen before DNAT, up to POSTROUTING. */
  send(world: World): Failure | null {
    const outInterface = this.#wayOut(world);
    if (outInterface === null) return this.#end(world, 'unreachable', null);
    return this.#pass({ ...world, outInterface }, 'OUTPUT', hookTables.OUTPUT, (one) => this.#leave(one));
  }

  #forward(world: World): Failure | null {
    const outInterface = this.#wayOut(world);
    if (outInterface === null) return this.#end(world, 'unreachable', null);
    return this.#pass({ ...world, outInterface }, 'FORWARD', hookTables.FORWARD, (one) => this.#leave(one));
  }

  #leave(world: World): Failure | null {
    const outInterface = this.#wayOut(world);
    if (outInterface === null) return this.#end(world, 'unreachable', null);
    return this.#pass({ ...world, outInterface }, 'POSTROUTING', hookTables.POSTROUTING, (one) =>
      outInterface === 'lo' ? this.#comeBack(one) : this.#end(one, 'accept', 'wire'),
    );
  }

  /** Through the loopback device. Its connection is set up by then, so the nat table is not asked again. */
  #comeBack(world: World): Failure | null {
    const arrived = { ...world, inInterface: 'lo', outInterface: '' };
    return this.#pass(arrived, 'PREROUTING', withoutNat('PREROUTING'), (one) => this.#deliver(one, withoutNat('INPUT')));
  }

  #deliver(world: World, tables: readonly TableName[]): Failure | null {
    return this.#pass(world, 'INPUT', tables, (one) => this.#end(one, 'accept', 'local'));
  }

  /** Through the tables of a hook, one after another; `then` gets what comes out. */
  #pass(world: World, hook: Hook, tables: readonly TableName[], then: (world: World) => Failure | null): Failure | null {
    const [table, ...rest] = tables;
    if (table === undefined) return then(world);
    if (table === 'nat' && (this.#env.ctstate ?? 'NEW') !== 'NEW') return this.#pass(world, hook, rest, then);
    const ends = this.#walker.enter(table, hook, world);
    if (!ends.ok) return ends;
    for (const { world: one, verdict } of ends.value) {
      const failure = verdict === 'accept' ? this.#pass(one, hook, rest, then) : this.#end(one, verdict, null);
      if (failure !== null) return failure;
    }
    return null;
  }

  #wayOut({ packet }: World): string | null {
    if (isLocal(packet.destination, this.#env)) return 'lo';
    return this.#env.route(packet.destination)?.outInterface ?? null;
  }

  #end(world: World, verdict: TraceOutcome['verdict'], delivered: TraceOutcome['delivered']): null {
    const { packet, translated, probability, evaluated } = world;
    this.outcomes.push({
      verdict,
      delivered,
      destination: packet.destination,
      destinationPort: packet.destinationPort,
      seenSource: packet.source,
      masqueraded: translated.source,
      probability,
      mark: packet.mark,
      evaluated,
      path: pathTexts(world.path),
    });
    return null;
  }
}

function pathTexts(last: PathStep | null): string[] {
  const texts: string[] = [];
  for (let step = last; step !== null; step = step.before) texts.push(step.text);
  return texts.toReversed();
}
