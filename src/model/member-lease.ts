import type { Outcome, Problem } from './outcome.ts';
import type { Prefix } from './prefix.ts';

/** What the Lease of a node that may announce addresses says (coordination.k8s.io/v1). */
export interface MemberLease {
  readonly node: string;
  /** The agent that renews it; empty where the node gave it up in order. */
  readonly holder: string;
  /** Milliseconds since 1970 by the writer's clock, greater than the time before: told apart from it, and compared with no other clock. */
  readonly renewedAt: number;
  readonly durationMs: number;
  /** Where the node has an interface on which it can answer for addresses. */
  readonly networks: readonly Prefix[];
}

export interface LeaseListener {
  /** A Lease as it is now. */
  seen(lease: MemberLease): void;
  gone(node: string): void;
  /** All there were when it was asked first have been told. */
  listed(): void;
  problem(problem: Problem): void;
}

/** The Leases of all nodes that may announce, and the way to write one's own. */
export interface LeasePort {
  /**
   * Tells of all Leases and of what becomes of them until closed, in the order in which the server wrote them: whoever is told of
   * its own write has been told of everything before it. Called once.
   */
  start(listener: LeaseListener): void;
  /** Writes the node's own Lease, whoever held it. Done when the server said so. */
  write(lease: MemberLease): Promise<Outcome<void>>;
  /** Empties the holder of the node's own Lease, unless another agent of this node has taken it since. */
  release(): Promise<Outcome<void>>;
  close(): Promise<void>;
}
