import type { Family, Protocol, StatusRow, TraceStep } from '../model/mod.ts';
import type { TraceVerdict } from '../trace/mod.ts';

/** What `waypost trace -o json` prints. Fields are added, never changed, under one name of the schema. */
export interface TraceReport {
  readonly schema: 'waypost.dev/trace/v1';
  readonly family: Family;
  readonly protocol: Protocol;
  readonly source: {
    /** As it was asked for. */
    readonly given: string;
    readonly address: string;
    readonly port: number;
    /** Where it arrives; null: sent by a process of this node. */
    readonly device: string | null;
  };
  readonly destination: { readonly given: string; readonly address: string; readonly port: number };
  /** As the running agent names it; null where it has none there, or does not answer. */
  readonly frontend: Pick<StatusRow, 'service' | 'servicePort' | 'kind' | 'verdict'> | null;
  readonly verdict: TraceVerdict;
  /** One sentence that says what becomes of the packet, and why. */
  readonly sentence: string;
  readonly ends: readonly ReportedEnd[];
  /** Rules that are not understood; the verdict holds if they do not match. */
  readonly unknown: readonly TraceStep[];
  /** What could not be read. */
  readonly gaps: readonly string[];
  /** Connections of this client to this destination that are tracked already: they go on as they began. */
  readonly established: readonly EstablishedFlow[];
  readonly notes: readonly string[];
}

export interface ReportedEnd {
  readonly verdict: Exclude<TraceVerdict, 'mixed'>;
  readonly address: string;
  readonly port: number;
  /** Who that is, as far as the running agent knows. */
  readonly name: string | null;
  /** 0 to 1. */
  readonly probability: number;
  /** The source address that is seen there. */
  readonly source: string;
  readonly masqueraded: boolean;
  /** Where it leaves the node; null: to a process of this node, or nowhere. */
  readonly device: string | null;
  /** Of an end on this node: whether a socket takes it; null where that is not known. */
  readonly listening: boolean | null;
  readonly steps: readonly TraceStep[];
}

export interface EstablishedFlow {
  readonly sourcePort: number;
  /** Who answers. */
  readonly address: string;
  readonly port: number;
}
