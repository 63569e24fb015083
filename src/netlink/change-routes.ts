import { succeed } from '../model/mod.ts';
import type { Outcome, Problem } from '../model/mod.ts';
import { foreignRoute, judgeOccupied, mergeProblems, refuseRoute, refuseRule, withoutReplaced } from './route-change.ts';
import type { Route, RoutePort, RoutingRule } from './route-port.ts';

/** What became of one command: done, met what is there already (or nothing, when removing), or refused. */
export type CommandVerdict = 'done' | 'idle' | Problem;

/** The single steps of a change, as the kernel offers them. Verdicts are in the order of what was given. */
export interface RouteHands {
  /** `new` is idle where there is a route to the same prefix of the same table; `replace` takes its place. */
  addRoutes(routes: readonly Route[], mode: 'new' | 'replace'): Promise<readonly CommandVerdict[]>;
  deleteRoutes(routes: readonly Route[]): Promise<readonly CommandVerdict[]>;
  /** Routes of the default metric in one table or in all. */
  readPresent(table: number | null): Promise<Outcome<readonly Route[]>>;
  addRules(rules: readonly RoutingRule[]): Promise<readonly CommandVerdict[]>;
  deleteRules(rules: readonly RoutingRule[]): Promise<readonly CommandVerdict[]>;
}

/** {@link RoutePort.changeRoutes} in single steps. Every step that can be done is done, whatever others met. */
export async function changeRoutes(
  hands: RouteHands,
  add: readonly Route[],
  remove: readonly Route[],
): ReturnType<RoutePort['changeRoutes']> {
  const unknown = [...add, ...remove].flatMap((route) => refuseRoute(route) ?? []);
  const additions = add.filter((route) => refuseRoute(route) === null);
  const removals = withoutReplaced(remove, add).filter((route) => refuseRoute(route) === null);
  const added = await hands.addRoutes(additions, 'new');
  const occupied = additions.filter((_, index) => added[index] === 'idle');
  const replaced = occupied.length === 0 ? [] : await replaceRoutes(hands, occupied);
  const removed = await hands.deleteRoutes(removals);
  return outcomeOf([...unknown, ...problemsOf(added), ...replaced, ...problemsOf(removed)]);
}

async function replaceRoutes(hands: RouteHands, occupied: readonly Route[]): Promise<readonly Problem[]> {
  const tables = new Set(occupied.map(({ table }) => table));
  const present = await hands.readPresent(tables.size === 1 ? (occupied[0]?.table ?? null) : null);
  if (!present.ok) return [present.problem];
  const judged = occupied.map((route) => ({ route, judgement: judgeOccupied(route, present.value) }));
  const foreign = judged.filter(({ judgement }) => judgement === 'foreign').map(({ route }) => foreignRoute(route));
  const ours = judged.filter(({ judgement }) => judgement === 'replace').map(({ route }) => route);
  return [...foreign, ...problemsOf(await hands.addRoutes(ours, 'replace'))];
}

/** {@link RoutePort.changeRules} in single steps. */
export async function changeRules(
  hands: RouteHands,
  add: readonly RoutingRule[],
  remove: readonly RoutingRule[],
): ReturnType<RoutePort['changeRules']> {
  const unknown = [...add, ...remove].flatMap((rule) => refuseRule(rule) ?? []);
  const added = await hands.addRules(add.filter(({ further }) => !further));
  const removed = await hands.deleteRules(remove.filter(({ further }) => !further));
  return outcomeOf([...unknown, ...problemsOf(added), ...problemsOf(removed)]);
}

function problemsOf(verdicts: readonly CommandVerdict[]): readonly Problem[] {
  return verdicts.filter((verdict) => typeof verdict !== 'string');
}

function outcomeOf(problems: readonly Problem[]): Outcome<void> {
  const problem = mergeProblems(problems);
  return problem === null ? succeed(undefined) : { ok: false, problem };
}
