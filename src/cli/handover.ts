import { createShell } from '../iptables/mod.ts';
import type { Shell } from '../iptables/mod.ts';
import { succeed } from '../model/mod.ts';
import type { DataPlane, Family, Problem, ProxyMode } from '../model/mod.ts';
import type { Logger } from '../observe/mod.ts';
import type { AfterSync } from '../proxy/mod.ts';
import type { TakenOver } from './clean-servers.ts';
import { removeLeftovers } from './driver-predecessors.ts';
import type { AdoptedServers } from './driver-predecessors.ts';
import { leftoversUnder } from './predecessors.ts';
import type { Leftovers } from './predecessors.ts';

export interface HandoverOptions {
  readonly mode: ProxyMode;
  /** The families that run. */
  readonly families: readonly Family[];
  readonly logger: Pick<Logger, 'info'>;
  readonly report: (problem: Problem) => void;
  /** Removes kube-proxy's chains of a family, where our mode does not take them over. */
  readonly cleanChains: (family: Family) => ReturnType<DataPlane['cleanup']>;
  /** The virtual servers that the data planes have in use; absent: none, they do not balance by virtual servers. */
  readonly adopted?: AdoptedServers;
  /**
   * Removes what this product made of a family with settings that it does not run with now; absent: nothing. May take until
   * connections have ended, or until the signal.
   */
  readonly cleanOwn?: (taken: TakenOver, signal: AbortSignal) => ReturnType<DataPlane['cleanup']>;
  /**
   * Waits until connections through kube-proxy's virtual servers have ended or their time is over, and then calls `remove`; not
   * where the signal comes before. Absent: they are in use here, or nobody waits.
   */
  readonly retireServers?: (taken: TakenOver, signal: AbortSignal, remove: () => Promise<void>) => Promise<void>;
  /** Made where not given. */
  readonly shell?: Shell;
}

/**
 * Takes over from a kube-proxy of any mode: until the first sync of a family succeeded its rules are left
 * alone and keep serving, then they go, so that one owner is left (specification 10.7). A failure is told and
 * changes nothing else. No sync waits for it.
 */
export class Handover implements AfterSync {
  readonly #options: HandoverOptions;
  readonly #shell: Shell;
  readonly #waiting: Set<Family>;
  /** Families whose virtual servers of kube-proxy are still there. */
  readonly #served: Set<Family>;
  readonly #closed = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** By themselves: they wait for connections, which nothing else has to. */
  readonly #own: Promise<void>[] = [];

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#shell = options.shell ?? createShell();
    this.#waiting = new Set(options.families);
    this.#served = new Set(options.families);
  }

  async afterSync(taken: TakenOver): Promise<void> {
    const { family } = taken;
    if (!this.#waiting.delete(family)) return;
    const { mode, retireServers } = this.#options;
    const what = leftoversUnder(mode);
    const servers = { tables: false, chains: false, servers: true, sets: false };
    if (retireServers === undefined) this.#queue(() => this.#takeOver(family, what));
    else {
      this.#queue(() => this.#takeOver(family, { ...what, servers: false }));
      const remove = (): Promise<void> => this.#queue(() => this.#takeOver(family, servers));
      this.#own.push(retireServers(taken, this.#closed.signal, remove).catch((cause) => this.#tellBug(cause)));
    }
    this.#own.push(this.#cleanOwn(taken).catch((cause) => this.#tellBug(cause)));
  }

  /** One after the other: they share the shell. */
  #queue(work: () => Promise<void>): Promise<void> {
    this.#running = this.#running.then(work).catch((cause) => this.#tellBug(cause));
    return this.#running;
  }

  /** Waits for what is under way and ends the helper. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#own);
    await this.#running;
    await this.#shell.close();
  }

  async #cleanOwn(taken: TakenOver): Promise<void> {
    const cleaned = await this.#options.cleanOwn?.(taken, this.#closed.signal);
    if (cleaned === undefined) return;
    const { family } = taken;
    if (!cleaned.ok) return this.#tellProblem('an agent with other settings', family, cleaned.problem);
    this.#tellRemoved('removed what an agent with other settings had left behind', family, cleaned.value);
  }

  async #takeOver(family: Family, what: Leftovers): Promise<void> {
    const { cleanChains, adopted } = this.#options;
    if (what.servers) this.#served.delete(family);
    const last = this.#served.size === 0;
    const chains = what.chains ? await cleanChains(family) : succeed([]);
    const { removed, problems } = await removeLeftovers(this.#shell, what, family, last, adopted);
    const all = [...(chains.ok ? chains.value : []), ...removed];
    this.#tellRemoved('removed what kube-proxy had left behind', family, all);
    for (const problem of [...(chains.ok ? [] : [chains.problem]), ...problems]) this.#tellProblem('kube-proxy', family, problem);
  }

  #tellRemoved(message: string, family: Family, all: readonly string[]): void {
    const fields = { family, count: all.length, objects: all.join(', ') };
    if (all.length > 0) this.#options.logger.info(message, fields);
  }

  #tellProblem(who: string, family: Family, problem: Problem): void {
    this.#options.report({
      ...problem,
      message: `what ${who} left behind in ${family} could not all be removed: ${problem.message}`,
    });
  }

  /** A failure here is a bug, and none of the syncs' business. */
  #tellBug(cause: unknown): void {
    const message = `removing what was left behind failed unexpectedly: ${String(cause)}`;
    this.#options.report({ code: 'WP_CLI_HANDOVER_BUG', message, cause });
  }
}
