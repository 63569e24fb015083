import type { Name } from './name.ts';
import type { ResourceRecord } from './record.ts';

/** What is asked of an upstream. */
export interface ForwardQuestion {
  /** As the asker spelled it. */
  readonly name: Name;
  readonly type: number;
  /** The DO and CD bits, sent on as they came. */
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** The asker came over TCP: the whole answer is needed. */
  readonly stream: boolean;
}

export type ForwardResult =
  | {
      readonly kind: 'answered';
      readonly rcode: number;
      /** The AD bit of the upstream. */
      readonly authenticData: boolean;
      /** Cut off, and not to be had whole. */
      readonly truncated: boolean;
      readonly answer: readonly ResourceRecord[];
      /** Stripped to SOA and what proves a denial to those who asked for DNSSEC. */
      readonly authority: readonly ResourceRecord[];
      /** `10.0.0.53:53` */
      readonly upstream: string;
    }
  /** More than `max_concurrent` at once. */
  | { readonly kind: 'overloaded' }
  /** No upstream answered in time; `reason` names the last failure. */
  | { readonly kind: 'failed'; readonly reason: string };

/** The upstreams of one rule. */
export interface Forwarder {
  /** Never rejects. Identical questions under way share one upstream query. */
  ask(question: ForwardQuestion): Promise<ForwardResult>;
  /** Closes sockets and ends health checks; questions under way fail. */
  close(): void;
}
