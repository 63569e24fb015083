import { iptablesProblem } from './errors.ts';
import type { Batch, BatchFailure, IptablesPort } from './port.ts';

export interface FaultOptions {
  /** Chance, 0 to 1, that a call fails. */
  readonly probability: number;
  /** Numbers from 0 up to 1, as `Math.random` gives; seeded by the caller. */
  readonly random: () => number;
}

const problem = iptablesProblem('WP_IPTABLES_REFUSED', 'injected fault');

/**
 * A port whose calls fail now and then: `save` outright; `restore` before any section, between two
 * sections, with or without naming an operation, or, the nastiest way, by reporting failure of the last
 * section although it was applied.
 */
export function createFaultyPort(port: IptablesPort, { probability, random }: FaultOptions): IptablesPort {
  const strikes = (): boolean => random() < probability;
  const below = (limit: number): number => Math.floor(random() * limit);

  const failSection = async (batch: Batch): Promise<{ bytes: number; failure: BatchFailure }> => {
    const lied = below(3) === 0;
    const section = lied ? batch.length - 1 : below(batch.length);
    const operations = batch[section]?.operations ?? [];
    const operation = below(2) === 0 ? null : (operations[below(operations.length)] ?? null);
    const { bytes, failure } = await port.restore(lied ? batch : batch.slice(0, section));
    return { bytes, failure: failure ?? { problem, section, operation } };
  };

  return {
    family: port.family,
    save: async (tables) => (strikes() ? { ok: false, problem } : port.save(tables)),
    restore: async (batch) => (batch.length > 0 && strikes() ? failSection(batch) : port.restore(batch)),
    close: () => port.close(),
  };
}
