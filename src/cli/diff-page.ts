import type { Difference, Problem, ProxyMode } from '../model/mod.ts';
import { jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { FamilyDiff } from '../proxy/mod.ts';

/** Of differences and of pending Services no more than this are told for each family; the rest is counted. */
const mostTold = 1000;

/** The number of the report's form; it changes when a field goes or means something else. */
const version = 1;

/**
 * `/diff` of the debug address: every difference between what the agent last asked of the kernel and what the kernel holds, read
 * for this very request, and the Services whose last change was not written yet. Writes nothing.
 */
export function makeDiffPages(mode: ProxyMode, compare: () => Promise<readonly FamilyDiff[] | null>): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/diff',
      async () => {
        const compared = await compare();
        const families = (compared ?? []).map(tellFamily);
        return jsonReply(200, { version, mode, started: compared !== null, families });
      },
    ],
  ]);
}

function tellFamily({ family, problem, differences, pending, nodeChanged }: FamilyDiff): Record<string, unknown> {
  return {
    family,
    problem: tellProblem(problem),
    nodeChanged,
    differences: differences.slice(0, mostTold).map((one) => ({ action: actionOf(one), ...one })),
    omittedDifferences: Math.max(0, differences.length - mostTold),
    pending: pending.slice(0, mostTold).map((one) => ({ ...one, problem: tellProblem(one.problem) })),
    omittedPending: Math.max(0, pending.length - mostTold),
  };
}

/** Causes are for the log. */
function tellProblem(problem: Problem | null): { readonly code: string; readonly message: string } | null {
  return problem === null ? null : { code: problem.code, message: problem.message };
}

/** What a sync does about it. */
function actionOf({ held, wanted }: Difference): 'add' | 'remove' | 'change' {
  if (held === null) return 'add';
  return wanted === null ? 'remove' : 'change';
}
