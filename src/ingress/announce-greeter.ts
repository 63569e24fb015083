import type { Address, Clock } from '../model/mod.ts';
import type { AnnouncePlace } from './announce-plan.ts';

/** After the first, for a switch or a client that missed it. */
const repetitions: readonly number[] = [300, 1000];

/** Tells the network where addresses are, some times each; an address that was lost meanwhile is not told of again. */
export interface Greeter {
  /** Greets for what is new among these, and forgets what is not among them. */
  update(places: readonly AnnouncePlace[]): void;
  /** Forgets all addresses but these. */
  retain(addresses: readonly Address[]): void;
}

interface Greeted {
  readonly address: Address;
  /** Of its repetitions. */
  readonly cancels: readonly (() => void)[];
}

export function createGreeter(clock: Clock, greet: (place: AnnouncePlace) => void): Greeter {
  const greeted = new Map<string, Greeted>();
  const forget = (isLost: (key: string, address: Address) => boolean): void => {
    for (const [key, { address, cancels }] of greeted) {
      if (!isLost(key, address)) continue;
      for (const cancel of cancels) cancel();
      greeted.delete(key);
    }
  };
  return {
    update(places) {
      const keys = new Set(places.map(keyOf));
      forget((key) => !keys.has(key));
      for (const place of places) {
        if (greeted.has(keyOf(place))) continue;
        greet(place);
        const cancels = repetitions.map((delay) => clock.after(delay, () => greet(place)));
        greeted.set(keyOf(place), { address: place.address, cancels });
      }
    },
    retain(addresses) {
      const kept = new Set(addresses);
      forget((_key, address) => !kept.has(address));
    },
  };
}

/** Its own hardware address is part of it: an interface that got another has to tell. */
function keyOf({ address, index, hardware }: { address: Address; index: number; hardware: Uint8Array }): string {
  return `${address} ${index} ${hardware.join('.')}`;
}
