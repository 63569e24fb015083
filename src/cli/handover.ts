import { createShell } from '../iptables/mod.ts';
import type { Shell } from '../iptables/mod.ts';
import type { DataPlane, Family, Outcome, Problem, ProxyMode } from '../model/mod.ts';
import type { Logger } from '../observe/mod.ts';
import type { AfterSync, AppliedSync } from '../proxy/mod.ts';
import { removeLeftovers } from './driver-predecessors.ts';
import type { AdoptedServers } from './driver-predecessors.ts';
import { leftoversUnder } from './predecessors.ts';

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
  /** Removes what this product made of a family in the modes that it does not run in now; absent: nothing. */
  readonly cleanOwn?: (family: Family) => ReturnType<DataPlane['cleanup']>;
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
  #running: Promise<void> = Promise.resolve();

  constructor(options: HandoverOptions) {
    this.#options = options;
    this.#shell = options.shell ?? createShell();
    this.#waiting = new Set(options.families);
  }

  async afterSync({ family }: Pick<AppliedSync, 'family'>): Promise<void> {
    if (!this.#waiting.delete(family)) return;
    const last = this.#waiting.size === 0;
    // A failure here is a bug, and none of the syncs' business.
    const failed = (cause: unknown): void => {
      const message = `removing what kube-proxy left behind failed unexpectedly: ${String(cause)}`;
      this.#options.report({ code: 'WP_CLI_HANDOVER_BUG', message, cause });
    };
    this.#running = this.#running.then(() => this.#takeOver(family, last)).catch(failed);
  }

  /** Waits for what is under way and ends the helper. */
  async close(): Promise<void> {
    await this.#running;
    await this.#shell.close();
  }

  async #takeOver(family: Family, last: boolean): Promise<void> {
    const { mode, logger, report, cleanChains, cleanOwn, adopted } = this.#options;
    const what = leftoversUnder(mode);
    const cleaned: readonly Outcome<readonly string[]>[] = [
      ...(what.chains ? [await cleanChains(family)] : []),
      ...(cleanOwn === undefined ? [] : [await cleanOwn(family)]),
    ];
    const { removed, problems } = await removeLeftovers(this.#shell, what, family, last, adopted);
    const all = [...cleaned.flatMap((one) => (one.ok ? one.value : [])), ...removed];
    const fields = { family, count: all.length, objects: all.join(', ') };
    if (all.length > 0) logger.info('removed what kube-proxy had left behind', fields);
    for (const problem of [...cleaned.flatMap((one) => (one.ok ? [] : [one.problem])), ...problems]) {
      report({ ...problem, message: `what kube-proxy left behind in ${family} could not all be removed: ${problem.message}` });
    }
  }
}
