import { isPort } from '../model/mod.ts';
import type { SideEntry } from '../model/mod.ts';
import { collect, leadsTo, readAddress, readDestination, single } from './side-read-parts.ts';
import type { ListedElements } from './side-read-parts.ts';
import { clampChainName } from './side-sets.ts';
import type { Element } from './transaction.ts';

/** Entries that only ingress has: lanes, rewritten ports, clamped addresses and peers. */
export function* readIngress(listed: ListedElements): Iterable<SideEntry> {
  const { family, of } = listed;
  const masqueraded = new Set(of('masqueraded_lanes').map(({ key }) => single(key)));
  yield* collect(of('lanes'), ({ key }) => {
    const mark = single(key);
    return mark === null ? null : { kind: 'lane' as const, mark, masquerade: masqueraded.has(mark) };
  });
  yield* collect(of('rewrites'), ({ key, value, comment }) => {
    const place = readDestination(family, key);
    const to = single(value);
    if (place === null || place.lastPort !== undefined || !isPort(to) || (comment ?? 'direct') !== 'direct') return null;
    return { kind: 'rewrite' as const, ...place, to, direct: comment === 'direct' };
  });
  yield* collect(of('clamps'), ({ key, value }) => {
    const address = readAddress(family, key[0]);
    const size = readSize(value);
    return address === null || size === undefined ? null : { kind: 'clamp' as const, address, size };
  });
  yield* collect(of('peers'), ({ key, comment = null }) => {
    const address = readAddress(family, key[0]);
    const isLink = comment === null || /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(comment);
    return address === null || !isLink ? null : { kind: 'peer' as const, address, link: comment };
  });
}

/** Null: what the route takes; undefined: an element of somebody else. */
function readSize(value: Element['value']): number | null | undefined {
  if (leadsTo(value, 'jump', clampChainName(null))) return null;
  const [, digits] = (value !== undefined && 'chain' in value && /^clamp_([1-9][0-9]*)$/.exec(value.chain)) || [];
  const size = Number(digits);
  return digits !== undefined && size <= 0xff_ff && leadsTo(value, 'jump', clampChainName(size)) ? size : undefined;
}
