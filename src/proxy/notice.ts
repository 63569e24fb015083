import type { ApplyReport, Family, Problem, ServiceKey } from '../model/mod.ts';

/** Something an operator should read in the log. */
export type Notice =
  | {
      readonly kind: 'synced';
      readonly family: Family;
      readonly services: number;
      readonly report: ApplyReport;
      readonly first: boolean;
    }
  /** `by`: who was seen to change the kernel. */
  | { readonly kind: 'repaired'; readonly family: Family; readonly report: ApplyReport; readonly by: readonly string[] }
  | { readonly kind: 'refused'; readonly family: Family; readonly service: ServiceKey; readonly problem: Problem }
  /** A Service asks for something that cannot be had, or makes no sense; the rest of it is served. */
  | { readonly kind: 'advised'; readonly family: Family; readonly problem: Problem }
  | { readonly kind: 'failed'; readonly family: Family; readonly problem: Problem };
