import type { EffectiveConfig } from '../config/mod.ts';

/** The configuration in force: that of the start, but for fields marked `live` that have changed since. */
export class LiveConfig {
  #current: EffectiveConfig;
  readonly #followers: ((config: EffectiveConfig) => void)[] = [];

  constructor(config: EffectiveConfig) {
    this.#current = config;
  }

  get current(): EffectiveConfig {
    return this.#current;
  }

  /** Has `take` called with the configuration in force now, and with each that takes its place. */
  follow(take: (config: EffectiveConfig) => void): void {
    this.#followers.push(take);
    take(this.#current);
  }

  /** `next` differs from the one in force in nothing but live fields. */
  replace(next: EffectiveConfig): void {
    this.#current = next;
    for (const take of this.#followers) take(next);
  }
}
