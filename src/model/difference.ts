import type { ServiceKey } from './records.ts';

/** One thing that the kernel holds otherwise than it was last asked to, and what the next full look would do about it. */
export interface Difference {
  /** Whom it is for; null where it is for several, for none, or nobody can tell. */
  readonly service: ServiceKey | null;
  /** Which of the kernel's tables it stands in, such as `iptables nat` or `ipvs`. */
  readonly place: string;
  /** What the kernel holds, as its own tool prints it; null: it is to be added. */
  readonly held: string | null;
  /** What is wished, in the same words; null: it is to be removed. Never null together with `held`. */
  readonly wanted: string | null;
}
