import type { Address, Clock } from '../model/mod.ts';
import type { AnnouncePlace } from './announce-plan.ts';

/** After the first, for a switch or a client that missed it. */
const repetitions: readonly number[] = [300, 1000];

/** Tells the network where addresses are, some times each; an address that was lost meanwhile is not told of again. */
export interface Greeter {
  /** Greets for what is new among these, and forgets what is not among them. */
  update(places: readonly AnnouncePlace[]): void;
  /** Says no more of any but these: who is about to lose an address must not contradict whoever gets it. */
  keepOnly(addresses: readonly Address[]): void;
}

export function createGreeter(clock: Clock, greet: (place: AnnouncePlace) => void): Greeter {
  const told = new Map<string, { readonly address: Address; readonly timers: readonly (() => void)[] }>();
  const forget = (key: string): void => {
    for (const cancel of told.get(key)?.timers ?? []) cancel();
    told.delete(key);
  };
  return {
    update(places) {
      const keys = new Set(places.map(keyOf));
      for (const key of told.keys()) if (!keys.has(key)) forget(key);
      for (const place of places) {
        if (told.has(keyOf(place))) continue;
        greet(place);
        const timers = repetitions.map((delay) => clock.after(delay, () => greet(place)));
        told.set(keyOf(place), { address: place.address, timers });
      }
    },
    keepOnly(addresses) {
      for (const [key, { address }] of told) if (!addresses.includes(address)) forget(key);
    },
  };
}

/** Its own hardware address is part of it: an interface that got another has to tell. */
function keyOf({ address, index, hardware }: { address: Address; index: number; hardware: Uint8Array }): string {
  return `${address} ${index} ${hardware.join('.')}`;
}
