import { succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { SetPort } from './set-port.ts';

/** The ipsets of a data plane: made before the first rule that names them, removed after the last. */
export class AffinitySets {
  readonly #port: SetPort;
  readonly #held = new Set<string>();

  constructor(port: SetPort) {
    this.#port = port;
  }

  async read(): Promise<Outcome<void>> {
    const listed = await this.#port.list();
    if (!listed.ok) return listed;
    this.#held.clear();
    for (const name of listed.value) this.#held.add(name);
    return succeed(undefined);
  }

  async ensure(names: Iterable<string>): Promise<Outcome<void>> {
    const missing = [...names].filter((name) => !this.#held.has(name));
    if (missing.length === 0) return succeed(undefined);
    const made = await this.#port.create(missing);
    if (made.ok) for (const name of missing) this.#held.add(name);
    return made;
  }

  /**
   * Removes what is not wanted any more, of the candidates or of all that is held. The kernel lets go of a
   * rule's sets some time after the rule; what it still holds is left to the next audit.
   */
  async prune(isWanted: (name: string) => boolean, candidates: Iterable<string> = this.#held): Promise<void> {
    const unused = [...candidates].filter((name) => this.#held.has(name) && !isWanted(name));
    if (unused.length === 0) return;
    const gone = await this.#port.destroy(unused);
    if (gone.ok) for (const name of unused) this.#held.delete(name);
    else await this.read();
  }
}
