import type { Lease } from './zone-contract.ts';

/** The lease of what no change touches. */
export const endlessLease: Lease = { live: true };

/** Makes leases and ends the last one made; whoever never asked costs nothing. */
export class LeaseHolder {
  #lease: { live: boolean } | null = null;

  get lease(): Lease {
    this.#lease ??= { live: true };
    return this.#lease;
  }

  end(): void {
    if (this.#lease !== null) this.#lease.live = false;
    this.#lease = null;
  }
}
