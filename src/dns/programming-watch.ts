import type { ServiceKey, Snapshot } from '../model/mod.ts';
import type { ProgrammedKind, ResolverOptions } from './resolver.ts';
import type { ZoneChange } from './zone-input.ts';

interface Trigger {
  readonly kind: ProgrammedKind;
  readonly at: number;
}

/** Tells how long changes of endpoints take until a thread has them, by the time that their slices carry. */
export class ProgrammingWatch {
  readonly #observe: ResolverOptions['observeProgramming'];
  readonly #since: number;
  /** The last change told of, by Service. */
  readonly #told = new Map<ServiceKey, number>();
  /** For each change that a thread has not applied yet. */
  #underWay: (readonly Trigger[])[] = [];

  /** What happened before `since`, in milliseconds since 1970, says nothing about this process. */
  constructor(observe: ResolverOptions['observeProgramming'], since: number) {
    this.#observe = observe;
    this.#since = since;
  }

  sent({ services, removedServices }: ZoneChange, snapshot: Snapshot | null): void {
    for (const key of removedServices) this.#told.delete(key);
    const triggers = services.flatMap(({ key, kind }): readonly Trigger[] => {
      const times = (snapshot?.slices.get(key) ?? []).map(({ triggeredAt }) => triggeredAt ?? 0);
      const at = Math.max(0, ...times);
      if (kind === 'external' || at <= this.#since || at === this.#told.get(key)) return [];
      this.#told.set(key, at);
      return [{ kind: kind === 'headless' ? 'headless_with_selector' : 'cluster_ip', at }];
    });
    this.#underWay.push(triggers);
  }

  applied(now: number): void {
    for (const { kind, at } of this.#underWay.shift() ?? []) this.#observe(kind, Math.max(0, now - at) / 1000);
  }

  forget(): void {
    this.#underWay = [];
  }
}
