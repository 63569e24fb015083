import type { AnnounceRow } from '../ingress/mod.ts';
import type { AgentEvent } from '../kube/mod.ts';
import type { Address, ServiceKey } from '../model/mod.ts';
import { aboutService } from './about-service.ts';

export interface AnnounceEventsOptions {
  readonly nodeName: string;
  readonly servicesOf: (address: Address) => readonly ServiceKey[];
  readonly event: (event: AgentEvent) => void;
}

/** Tells the owners of Services when this node begins to answer for an address of theirs, and when it cannot. */
export class AnnounceEvents {
  readonly #options: AnnounceEventsOptions;
  #told: ReadonlyMap<Address, string> = new Map();

  constructor(options: AnnounceEventsOptions) {
    this.#options = options;
  }

  /** Tells what is new in the rows since the last time. */
  compare(rows: readonly AnnounceRow[]): void {
    const told = new Map<Address, string>();
    for (const { address, owner, undecided, problem } of rows) {
      if (owner !== this.#options.nodeName || undecided) continue;
      const text = problem === null ? `${address} is announced by node ${owner}` : `${problem.message} (${problem.code})`;
      told.set(address, text);
      if (this.#told.get(address) !== text) this.#tell(address, problem === null, text);
    }
    this.#told = told;
  }

  #tell(address: Address, well: boolean, message: string): void {
    for (const service of this.#options.servicesOf(address)) {
      const about = aboutService(service);
      const reason = well ? 'Announced' : 'NotAnnounced';
      this.#options.event({ about, type: well ? 'Normal' : 'Warning', reason, action: 'Announce', message });
    }
  }
}
