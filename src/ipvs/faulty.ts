import type { Outcome, Problem } from '../model/mod.ts';
import { ipvsProblem, unsureProblem } from './errors.ts';
import type { IpvsOperation, IpvsPort, IpvsReport } from './port.ts';

export interface FaultOptions {
  /** Chance, 0 to 1, that a call fails. */
  readonly probability: number;
  /** Numbers from 0 up to 1, as `Math.random` gives; seeded by the caller. */
  readonly random: () => number;
}

const problem = ipvsProblem('WP_IPVS_REFUSED', 'injected fault');

/**
 * A port whose calls fail now and then. Reading and setting fail outright. `apply` has one operation refused, or all of them
 * left undone, or does them all and loses the answer of each from some place on.
 */
export function createFaultyIpvs(port: IpvsPort, { probability, random }: FaultOptions): IpvsPort {
  const below = (limit: number): number => Math.floor(random() * limit);
  const maybe = async <T>(call: () => Promise<Outcome<T>>): Promise<Outcome<T>> =>
    random() < probability ? { ok: false, problem } : await call();

  const failApply = async (operations: readonly IpvsOperation[]): Promise<IpvsReport> => {
    const fault = below(3);
    if (fault === 0) return { verdicts: operations.map(() => problem), bytes: 0, messages: 0 };
    const place = below(operations.length);
    if (fault === 1) {
      const report = await port.apply(operations.toSpliced(place, 1));
      return { ...report, verdicts: report.verdicts.toSpliced(place, 0, problem) };
    }
    const report = await port.apply(operations);
    const verdicts: (Problem | null)[] = report.verdicts.slice(0, place);
    return { ...report, verdicts: [...verdicts, ...operations.slice(place).map((operation) => unsureProblem(operation))] };
  };

  return {
    family: port.family,
    probe: (scheduler) => maybe(() => port.probe(scheduler)),
    list: () => maybe(() => port.list()),
    counters: (key) => maybe(() => port.counters(key)),
    apply: (operations) => (operations.length > 0 && random() < probability ? failApply(operations) : port.apply(operations)),
    timeouts: () => maybe(() => port.timeouts()),
    setTimeouts: (timeouts) => maybe(() => port.setTimeouts(timeouts)),
    close: () => port.close(),
  };
}
