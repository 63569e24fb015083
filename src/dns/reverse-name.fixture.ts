import { joinLabels } from './name.ts';
import type { Name } from './name.ts';
import type { RawAddress } from './zone-address.ts';

/** The opposite: the complete reverse name of an address. */
export function reverseNameOf(address: RawAddress): Name {
  const codes = Array.from(address, (character) => character.charCodeAt(0)).toReversed();
  const labels =
    address.length === 4
      ? [...codes.map(String), 'in-addr', 'arpa']
      : [...codes.flatMap((code) => [(code & 15).toString(16), (code >> 4).toString(16)]), 'ip6', 'arpa'];
  const name = joinLabels(labels);
  if (name === null) throw new TypeError('not the octets of an address');
  return name;
}
