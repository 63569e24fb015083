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
