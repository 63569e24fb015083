import type { Address } from '../model/mod.ts';

/** Where a connection is sent to. */
export interface Target {
  readonly address: Address;
  readonly port: number;
}

/** What is found under each index; undefined: nothing. */
export type Slots = readonly (Target | undefined)[];

/**
 * Gives each wanted target a slot, from 0 without a hole. Whoever has a slot below the end keeps it, so that one target more or
 * less touches a constant number of slots.
 */
export function arrangeSlots(current: Slots, wanted: readonly Target[]): readonly Target[] {
  if (current.length === 0) return wanted;
  const waiting = new Map<string, Target[]>();
  for (const target of wanted) {
    const key = targetText(target);
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [target]);
    else same.push(target);
  }
  const kept = Array.from({ length: wanted.length }, (_, index) => {
    const target = current[index];
    return target === undefined ? undefined : waiting.get(targetText(target))?.pop();
  });
  const rest = [...waiting.values()].flat();
  let next = 0;
  return kept.flatMap((target) => target ?? rest[next++] ?? []);
}

export function sameTarget(one: Target | undefined, other: Target | undefined): boolean {
  return one === other || (one?.address === other?.address && one?.port === other?.port);
}

function targetText({ address, port }: Target): string {
  return `${address} ${port}`;
}
