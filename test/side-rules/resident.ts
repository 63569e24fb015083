import { createInterface } from 'node:readline';
import { families } from '../../src/model/mod.ts';
import type { Family, SideChange, SideRules } from '../../src/model/mod.ts';
import { createSideRules, openNetlinkNftPort } from '../../src/nftables/mod.ts';

/**
 * Side rules that live in the network namespace this program was started in: a netlink socket belongs to the namespace
 * in which it was opened. Takes requests and gives replies as lines of JSON.
 */
export type SideRequest =
  | { readonly op: 'read'; readonly family: Family }
  | { readonly op: 'apply'; readonly family: Family; readonly change: SideChange }
  | { readonly op: 'cleanup'; readonly family: Family };

if (import.meta.main) await serve();

async function serve(): Promise<void> {
  const sides = new Map<Family, SideRules>();
  const opened = await openNetlinkNftPort({ pause: () => null });
  if (!opened.ok) throw new Error(opened.problem.message);
  for (const family of families) sides.set(family, createSideRules({ family, port: opened.value, pause: () => null }));
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as SideRequest;
    const side = sides.get(request.family);
    if (side === undefined) throw new RangeError(`no family ${request.family}`);
    process.stdout.write(`${JSON.stringify(await answer(side, request))}\n`);
  }
  await opened.value.close();
}

/** Maps become lists of pairs on the way. */
async function answer(side: SideRules, request: SideRequest): Promise<unknown> {
  if (request.op === 'apply') return side.apply(request.change);
  if (request.op === 'cleanup') return side.cleanup();
  const state = await side.read();
  return state.ok ? { ok: true, value: { entries: [...state.value.entries], intact: state.value.intact } } : state;
}
