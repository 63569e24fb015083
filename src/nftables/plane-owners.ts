import type { Pause, ServiceKey } from '../model/mod.ts';
import { sharedText } from './plane-plan.ts';
import { destinationOfElement } from './plane-read.ts';
import type { PlaneWish } from './plane-wish.ts';
import type { Element } from './transaction.ts';

/** Which Service something in the table is for; null: none, or several. */
export interface PlaneOwners {
  ofChain(name: string): ServiceKey | null;
  /** `set`: of remembered clients. */
  ofClients(set: string): ServiceKey | null;
  ofElement(set: string, element: Element): ServiceKey | null;
}

/** Looks through all plans once, so it is for when somebody asks. */
export async function ownersOf(wish: PlaneWish, pause: Pause): Promise<PlaneOwners> {
  const names = new Map<string, ServiceKey>();
  const shared = new Map<string, ServiceKey | null>();
  for (const service of wish.services) {
    const plan = wish.planOf(service);
    for (const name of [...(plan?.chains.keys() ?? []), ...(plan?.clients ?? [])]) names.set(name, service);
    for (const text of plan?.shared.map(sharedText) ?? []) shared.set(text, shared.has(text) ? null : service);
    const resting = pause();
    if (resting !== null) await resting;
  }
  return {
    ofChain: (name) => names.get(name) ?? null,
    ofClients: (set) => names.get(set) ?? null,
    ofElement(set, element) {
      const text = destinationOfElement(set, element);
      if (text === null) return shared.get(sharedText({ set, element })) ?? null;
      return wish.destination(text)?.service ?? null;
    },
  };
}
