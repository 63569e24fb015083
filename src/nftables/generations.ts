import type { NftPort } from './port.ts';

/**
 * Which changes of the ruleset of a network namespace are our own. The kernel counts the transactions of everybody; data planes
 * of both families share the count, so they take turns and tell each other of theirs.
 */
export interface OwnGenerations {
  /** Calls of both families one after the other. */
  inTurn<T>(task: () => Promise<T>): Promise<T>;
  /** The generation up to which nobody but us has changed anything since that one. */
  latest(since: number): number;
  /** A transaction of ours that was made for this generation is in the kernel. Gives the generation that it made. */
  committed(generation: number): number;
}

/** A transaction that somebody else comes before is tried so often, and then goes out uncounted. */
const mostTries = 3;

/**
 * A port whose transactions count as our own: a data plane need not look at its whole table again after each. Where somebody else
 * changes something at the same moment they are applied all the same, and that it was not us alone shows.
 */
export function countAsOwn(port: NftPort, generations: OwnGenerations): NftPort {
  const { generation } = port;
  if (generation === undefined) return port;
  return {
    ...port,
    apply: (transaction) =>
      generations.inTurn(async () => {
        for (let tries = 0; tries < mostTries; tries += 1) {
          // oxlint-disable-next-line no-await-in-loop -- asked anew for each
          const asked = await generation();
          if (!asked.ok) break;
          // oxlint-disable-next-line no-await-in-loop -- one after the other
          const report = await port.apply(transaction, asked.value);
          if (report.problem?.code === 'WP_NFT_STALE') continue;
          if (report.problem === null && report.messages > 0) generations.committed(asked.value);
          return report;
        }
        return await port.apply(transaction);
      }),
  };
}

export function shareGenerations(): OwnGenerations {
  let turn: Promise<unknown> = Promise.resolve();
  let first = 0;
  let last = 0;
  return {
    inTurn(task) {
      const result = turn.then(task);
      turn = result.catch(() => undefined);
      return result;
    },
    latest: (since) => (since >= first && since <= last ? last : since),
    committed(generation) {
      if (generation !== last) first = generation;
      // The kernel counts in 32 bits and leaves out 0 (net/netfilter/nf_tables_api.c).
      last = generation === 0xff_ff_ff_ff ? 1 : generation + 1;
      return last;
    },
  };
}
