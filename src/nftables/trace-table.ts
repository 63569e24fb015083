import { addStep, fail, succeed } from '../model/mod.ts';
import type { Outcome, PacketWorld, StageEnd, TraceEffect, TraceHook, TraceHost } from '../model/mod.ts';
import { completeStatements } from './complete-rule.ts';
import type { Statement, Verdict } from './expression.ts';
import type { ChainState, RuleState, TableState } from './port.ts';
import { renderStatements } from './render-rule.ts';
import { TableSets } from './trace-sets.ts';
import { runStatement } from './trace-statement.ts';
import type { RuleWorld, StatementContext, StatementEnd } from './trace-statement.ts';

/** The kernel follows 16 jumps (`NFT_JUMP_STACK_SIZE`). */
const depthLimit = 16;
const worldLimit = 100_000;

interface Place {
  readonly hook: TraceHook;
  readonly context: StatementContext;
  readonly depth: number;
}

interface Walked {
  readonly ended: StageEnd[];
  /** Those that came to the end of the chain, or to a `return`. */
  readonly fallen: PacketWorld[];
}

interface Trying {
  readonly place: Place;
  readonly where: string;
  readonly rule: RuleState;
  readonly walked: Walked;
  readonly next: PacketWorld[];
}

/**
 * Walks chains of one table. A rule that says something outside our vocabulary is a step of its own with the effect
 * `unknown`, and the walk goes on as if it did not match.
 */
export class TableWalker {
  readonly #table: TableState;
  readonly #sets: TableSets;
  readonly #completed = new Map<RuleState, readonly Statement[]>();
  #overrun: string | null = null;

  constructor(table: TableState) {
    this.#table = table;
    this.#sets = new TableSets(table);
  }

  /** Through a base chain, whose policy is to accept. */
  enter(name: string, chain: ChainState, hook: TraceHook, world: PacketWorld, host: TraceHost): Outcome<readonly StageEnd[]> {
    const { ended, fallen } = this.#walk({ hook, context: { sets: this.#sets, host }, depth: 0 }, name, chain, [world]);
    if (this.#overrun !== null) return fail('WP_NFT_UNTRACEABLE', this.#overrun);
    return succeed([...ended, ...fallen.map((one): StageEnd => ({ world: one, verdict: 'accept' }))]);
  }

  #walk(place: Place, name: string, { rules }: ChainState, worlds: readonly PacketWorld[]): Walked {
    const walked: Walked = { ended: [], fallen: [] };
    let walking = worlds;
    for (const [index, rule] of rules.entries()) {
      if (walking.length === 0) return walked;
      const where = `nft ${this.#table.family} ${this.#table.name} ${name} ${index + 1}`;
      const next: PacketWorld[] = [];
      for (const world of walking) this.#try({ place, where, rule, walked, next }, world);
      if (next.length > worldLimit) this.#overrun = `${where}: more than ${worldLimit} ways to get past`;
      if (this.#overrun !== null) return walked;
      walking = next;
    }
    walked.fallen.push(...walking);
    return walked;
  }

  #try(at: Trying, before: PacketWorld): void {
    const world = { ...before, evaluated: before.evaluated + 1 };
    const statements = this.#statementsOf(at.rule);
    if (statements === null) {
      const effects: readonly TraceEffect[] = [{ kind: 'unknown', reason: 'the rule says what is not known here' }];
      at.next.push(this.#note(at, { world, effects }));
      return;
    }
    for (const end of this.#run(statements, world, at.place.context)) this.#follow(at, end);
  }

  #run(statements: readonly Statement[], world: PacketWorld, context: StatementContext): readonly StatementEnd[] {
    let running: readonly RuleWorld[] = [{ world, effects: [] }];
    const done: StatementEnd[] = [];
    for (const statement of statements) {
      const still: RuleWorld[] = [];
      for (const one of running) {
        for (const end of runStatement(statement, one, context)) (end.next.kind === 'go on' ? still : done).push(end);
      }
      running = still;
    }
    return [...done, ...running.map((one): StatementEnd => ({ ...one, next: { kind: 'go on' } }))];
  }

  #follow(at: Trying, end: StatementEnd): void {
    const { next } = end;
    switch (next.kind) {
      case 'go on':
      case 'break':
        // A rule that did not match may have changed the packet before; a mere look is no step.
        at.next.push(
          end.effects.some(isChange) || (next.kind === 'go on' && end.effects.length > 0) ? this.#note(at, end) : end.world,
        );
        return;
      case 'end':
        at.walked.ended.push({ world: this.#note(at, end), verdict: next.verdict });
        return;
      case 'verdict':
        this.#obey(at, end, next.verdict);
    }
  }

  #obey(at: Trying, end: RuleWorld, verdict: Verdict | { readonly kind: 'reject' }): void {
    const { place, walked, next } = at;
    switch (verdict.kind) {
      case 'accept':
      case 'drop':
        walked.ended.push({ world: this.#note(at, withEffect(end, { kind: verdict.kind })), verdict: verdict.kind });
        return;
      case 'reject':
        walked.ended.push({ world: this.#note(at, end), verdict: 'reject' });
        return;
      case 'return':
        walked.fallen.push(this.#note(at, withEffect(end, { kind: 'return' })));
        return;
      default: {
        const inner = this.#descend(
          place,
          verdict.chain,
          this.#note(at, withEffect(end, { kind: 'jump', chain: verdict.chain })),
          at,
        );
        walked.ended.push(...inner.ended);
        (verdict.kind === 'jump' ? next : walked.fallen).push(...inner.fallen);
      }
    }
  }

  #descend(place: Place, name: string, world: PacketWorld, at: Trying): Walked {
    const chain = this.#table.chains.get(name);
    const depth = place.depth + 1;
    if (chain !== undefined && depth <= depthLimit) return this.#walk({ ...place, depth }, name, chain, [world]);
    const reason = chain === undefined ? `chain ${name} does not exist` : `chain ${name} leads back to itself`;
    return { ended: [], fallen: [this.#note(at, { world, effects: [{ kind: 'unknown', reason }] })] };
  }

  #note({ place, where, rule }: Trying, { world, effects }: RuleWorld): PacketWorld {
    const text =
      rule.statements === null ? `rule with handle ${rule.handle}` : renderStatements(this.#table.family, rule.statements);
    const remark = rule.comment === null ? '' : ` comment "${rule.comment}"`;
    return addStep(world, { hook: place.hook, place: where, text: `${text}${remark}`, effects });
  }

  #statementsOf(rule: RuleState): readonly Statement[] | null {
    if (rule.statements === null) return null;
    const known = this.#completed.get(rule);
    if (known !== undefined) return known;
    const made = completeStatements(this.#table.family, rule.statements);
    this.#completed.set(rule, made);
    return made;
  }
}

function withEffect(end: RuleWorld, effect: TraceEffect): RuleWorld {
  return { ...end, effects: [...end.effects, effect] };
}

function isChange({ kind }: TraceEffect): boolean {
  return kind !== 'found' && kind !== 'chance';
}
