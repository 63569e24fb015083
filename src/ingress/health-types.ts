import type { Address, BackendAddress, HealthProbe, Protocol, ServiceKey } from '../model/mod.ts';

/** Whom a check asks, and what. */
export interface ProbeTarget {
  readonly probe: HealthProbe;
  readonly address: Address;
  readonly port: number;
  readonly protocol: Protocol;
}

/**
 * What a check came to. `unasked`: this node could not ask (no file, no port, no program), which says nothing of the back
 * end. `text` is one line for an operator.
 */
export interface ProbeAnswer {
  readonly kind: 'good' | 'bad' | 'unasked';
  readonly text: string;
}

/** Asks once and calls back once, during the call at the earliest. The result gives up: nothing is called after it. */
export type AskBackend = (target: ProbeTarget, answered: (answer: ProbeAnswer) => void) => () => void;

/** `unknown`: neither an answer nor enough failures yet; it gets connections. */
export type Verdict = 'unknown' | 'live' | 'dead';

/** A back end of a Service that is checked. */
export interface HealthRow {
  readonly service: ServiceKey;
  readonly backend: BackendAddress;
  readonly verdict: Verdict;
  /** Milliseconds since 1970 of the last change of the verdict. */
  readonly since: number;
  /** What the last check said; empty before the first. */
  readonly text: string;
  /** Checks that came to an end, and those of them that failed. */
  readonly checks: number;
  readonly failures: number;
  /** Milliseconds since 1970 until which the back end stays out because it changed too often; null: it does not. */
  readonly heldUntil: number | null;
}

/** For metrics. All but the last three only grow. */
export interface HealthCounts {
  readonly checks: number;
  readonly failures: number;
  /** Checks that this node could not make. */
  readonly unasked: number;
  /** Checks that began later than they should because too many were under way. */
  readonly late: number;
  /** Back ends that were taken out, and those that came back. */
  readonly taken: number;
  readonly returned: number;
  /** Different checks, those under way, and those whose back end is out. */
  readonly watched: number;
  readonly running: number;
  readonly dead: number;
}
