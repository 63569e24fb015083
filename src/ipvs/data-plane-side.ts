import type { Problem, ServiceKey, SideReport } from '../model/mod.ts';
import { eachSlowly } from './data-plane-pace.ts';
import type { PassFacts } from './data-plane-pass.ts';
import { isNeededRecord } from './data-plane-plan.ts';
import { emptyStep } from './diff-side.ts';
import type { SideStep } from './diff-side.ts';
import { noService } from './settings.ts';

/** How often a refused transaction is cut in pieces to find the Services at fault. */
const attemptLimit = 64;

/** Entries of one transaction, more or less: those of one Service stay together. */
const pieceSize = 2000;

type Groups = ReadonlyMap<ServiceKey, SideStep>;

/**
 * One transaction, or several if there is much to do; a refused one is narrowed down by halves to the Services at fault,
 * which are added to `refused`. Nothing is done for Services that are refused already. `must`: the rules around the
 * entries are written even if no entry changes. Gives a problem if nothing works.
 */
export async function applySide(
  facts: PassFacts,
  step: SideStep,
  refused: Map<ServiceKey, Problem>,
  must: boolean,
): Promise<Problem | null> {
  const pieces = cut(await groupByService(facts, step, refused));
  if (must && pieces.length === 0) pieces.push(new Map());
  for (const piece of pieces) {
    const problem = await applyPiece(facts, piece, refused);
    if (problem !== null) return problem;
  }
  return null;
}

/** Records of what the kernel still holds are left out: they stay. */
async function groupByService(
  facts: PassFacts,
  { set, remove }: SideStep,
  refused: ReadonlyMap<ServiceKey, Problem>,
): Promise<Groups> {
  const { kernel, options } = facts;
  const groups = new Map<ServiceKey, SideStep>();
  const groupOf = (service: ServiceKey): SideStep => {
    const group = groups.get(service) ?? emptyStep();
    groups.set(service, group);
    return group;
  };
  await eachSlowly(set, options.pause, ([key, one]) => {
    if (!refused.has(one.service)) groupOf(one.service).set.set(key, one);
  });
  await eachSlowly(remove, options.pause, ([key, service]) => {
    const needed = isNeededRecord(kernel, kernel.entries.get(key), options);
    if (!needed && !refused.has(service)) groupOf(service).remove.set(key, service);
  });
  return groups;
}

function cut(groups: Groups): Groups[] {
  const pieces: Map<ServiceKey, SideStep>[] = [];
  let size = pieceSize;
  for (const [service, group] of groups) {
    if (size >= pieceSize) {
      pieces.push(new Map());
      size = 0;
    }
    pieces.at(-1)?.set(service, group);
    size += group.set.size + group.remove.size;
  }
  return pieces;
}

async function applyPiece(facts: PassFacts, groups: Groups, refused: Map<ServiceKey, Problem>): Promise<Problem | null> {
  const { problem } = await change(facts, groups, [...groups.keys()]);
  if (problem === null) return null;
  const founded = await change(facts, groups, [noService]);
  if (founded.problem !== null) return founded.problem;
  const services = [...groups.keys()].filter((service) => service !== noService);
  const narrowed = await narrowDown(facts, groups, services, { refused, problem, attempts: attemptLimit });
  const read = await facts.kernel.refresh();
  return read.ok ? narrowed : read.problem;
}

interface Search {
  readonly refused: Map<ServiceKey, Problem>;
  /** Why all of them together were refused. */
  readonly problem: Problem;
  attempts: number;
}

async function narrowDown(
  facts: PassFacts,
  groups: Groups,
  services: readonly ServiceKey[],
  search: Search,
): Promise<Problem | null> {
  const [only] = services;
  if (only === undefined) return null;
  search.attempts -= 1;
  if (search.attempts < 0) return search.problem;
  const { problem } = await change(facts, groups, services);
  if (problem === null) return null;
  if (services.length === 1) {
    search.refused.set(only, problem);
    return null;
  }
  const middle = Math.ceil(services.length / 2);
  return (
    (await narrowDown(facts, groups, services.slice(0, middle), search)) ??
    (await narrowDown(facts, groups, services.slice(middle), search))
  );
}

async function change(
  { kernel, settings, tally }: PassFacts,
  groups: Groups,
  services: readonly ServiceKey[],
): Promise<SideReport> {
  const chosen = services.flatMap((service) => groups.get(service) ?? []);
  const set = chosen.flatMap((group) => [...group.set.values()].map(({ entry }) => entry));
  const remove = chosen.flatMap((group) => [...group.remove.keys()]);
  const report = await kernel.changeSide(settings, set, remove);
  tally.operations += report.operations;
  tally.bytes += report.bytes;
  return report;
}
