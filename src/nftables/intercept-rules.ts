import { succeed } from '../model/mod.ts';
import type { InterceptRules, InterceptWish, Outcome } from '../model/mod.ts';
import { interceptTable, planIntercept, rewriteIntercept, writeIntercept, writeRelease } from './intercept-plan.ts';
import type { InterceptPlan } from './intercept-plan.ts';
import type { Command, Element } from './transaction.ts';
import type { NftPort, NftProblem, TableState } from './port.ts';
import { rulesEqual } from './rule-equal.ts';

/** Sends the datagram that renews a lease: from a port of the loopback address to itself. */
export interface Heartbeat {
  readonly port: number;
  send(): void;
  close(): Promise<void>;
}

export interface InterceptRulesOptions {
  /** Its owner closes it. As long as it is open, a table that it owns is there. */
  readonly port: NftPort;
  readonly heartbeat: Heartbeat;
}

/**
 * The interception of this node in an nftables table of its own. `set` fails with `WP_NFT_DENIED` while another process
 * owns that table, which is an agent of which this one will take over: try again.
 */
export function createInterceptRules({ port, heartbeat }: InterceptRulesOptions): InterceptRules {
  let written: InterceptPlan | null = null;
  /** A look found something else. */
  let damaged = false;
  const write = async (commands: readonly Command[]): Promise<NftProblem | null> =>
    (await port.apply({ table: interceptTable, commands })).problem;
  const replace = async (plan: InterceptPlan): Promise<NftProblem | null> => {
    const refused = await write(writeIntercept(plan, true));
    // A kernel before 5.12, or the tool, which ends and can own nothing: the lease alone has to do.
    return refused?.code === 'WP_NFT_NO_KERNEL' ? await write(writeIntercept(plan, false)) : refused;
  };
  const clear = async (): Promise<Outcome<void>> => {
    written = null;
    const removed = await removeInterception(port);
    return removed.ok ? succeed(undefined) : removed;
  };
  const set = async (wish: InterceptWish): Promise<Outcome<void>> => {
    if (wish.captures.length === 0) return await clear();
    const plan = planIntercept(wish, heartbeat.port);
    const intact = written !== null && !damaged;
    written = null;
    // A refusal says that the table is not what it was, and that nothing was changed.
    const rewritten = intact && (await write(rewriteIntercept(plan))) === null;
    const problem = rewritten ? null : await replace(plan);
    if (problem !== null) return { ok: false, problem };
    written = plan;
    damaged = false;
    heartbeat.send();
    return succeed(undefined);
  };
  return {
    set,
    clear,
    async release() {
      if (written === null) return succeed(undefined);
      written = null;
      const { problem } = await port.apply({ table: interceptTable, commands: writeRelease() });
      return problem === null || problem.code === 'WP_NFT_MISSING' ? succeed(undefined) : { ok: false, problem };
    },
    beat: () => {
      if (written !== null) heartbeat.send();
    },
    async check() {
      const read = await port.readTable(interceptTable.family, interceptTable.name);
      if (!read.ok) return read;
      const same = written === null ? read.value === null : read.value !== null && isWritten(written, read.value);
      damaged = !same;
      return succeed(same);
    },
    close: () => heartbeat.close(),
  };
}

/** Removes the table of whoever made it; false where there was none. `WP_NFT_DENIED` while another process owns it. */
export async function removeInterception(port: NftPort): Promise<Outcome<boolean>> {
  const { problem } = await port.apply({ table: interceptTable, commands: [{ kind: 'delete-table' }] });
  if (problem === null) return succeed(true);
  return problem.code === 'WP_NFT_MISSING' ? succeed(false) : { ok: false, problem };
}

/** Whether a table has the chains, rules and elements of a plan, apart from what packets put there. */
function isWritten({ sets, chains }: InterceptPlan, table: TableState): boolean {
  const sameChains = chains.every(({ chain, rules }) => {
    const found = table.chains.get(chain.name);
    if (found === undefined || JSON.stringify(found.chain) !== JSON.stringify(chain)) return false;
    return found.rules.length === rules.length && found.rules.every((rule, index) => isRule(rules[index], rule));
  });
  const sameSets = sets.every(({ set, elements }) => {
    const found = table.sets.get(set.name);
    return found !== undefined && (set.dynamic || textOf(found.elements) === textOf(elements));
  });
  return sameChains && sameSets;
}

function isRule(
  statements: InterceptPlan['chains'][number]['rules'][number] | undefined,
  found: Parameters<typeof rulesEqual>[2],
): boolean {
  return statements !== undefined && rulesEqual(interceptTable.family, { statements }, found);
}

function textOf(elements: readonly Element[]): string {
  return elements
    .map(({ key, value }) => JSON.stringify([key, value ?? null]))
    .toSorted()
    .join('\n');
}
