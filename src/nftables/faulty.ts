import { fail } from '../model/mod.ts';
import type { NftPort, NftProblem } from './port.ts';

export interface NftFaultOptions {
  /** Chance, 0 to 1, that a call fails. */
  readonly probability: number;
  /** Numbers from 0 up to 1, as `Math.random` gives; seeded by the caller. */
  readonly random: () => number;
}

/**
 * A port whose calls fail now and then: `readTable` outright; `apply` without having done anything, with or without
 * naming a command, or, the nastiest way, by saying that it failed although it did not.
 */
export function createFaultyNftPort(port: NftPort, { probability, random }: NftFaultOptions): NftPort {
  const strikes = (): boolean => random() < probability;
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    async apply(transaction, generation) {
      const { length } = transaction.commands;
      if (length === 0 || !strikes()) return await port.apply(transaction, generation);
      const command = below(2) === 0 ? null : below(length);
      const problem: NftProblem = { code: 'WP_NFT_REFUSED', message: 'injected fault', command };
      if (below(3) > 0) return { problem, bytes: 0, messages: 0 };
      const report = await port.apply(transaction, generation);
      return { ...report, problem: report.problem ?? problem };
    },
    readTable: async (family, name) =>
      strikes() ? fail('WP_NFT_REFUSED', 'injected fault') : await port.readTable(family, name),
    ...(port.generation === undefined
      ? {}
      : {
          generation: async () =>
            strikes() || port.generation === undefined ? fail('WP_NFT_REFUSED', 'injected fault') : await port.generation(),
        }),
    close: () => port.close(),
  };
}
