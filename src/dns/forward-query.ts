import { encodeQuery } from './encode-query.ts';
import type { ForwardQuestion } from './forward-contract.ts';
import type { SentQuery } from './forward-reply.ts';
import { lowerName } from './name.ts';
import type { Name } from './name.ts';

/** The largest UDP reply we take: what passes everywhere without fragments (specification 11.6). */
const ownUdpSize = 1232;

const authenticDataBit = 0x20;

/**
 * A query with a fresh id, and what its reply must agree with. The name goes out in lower case, because the answer is for
 * all who ask, or in random spelling where `mixCase`. AD is set: upstreams that validate then say so to those who ask for it
 * without DO as well (RFC 6840 5.7).
 */
export function makeQuery(
  question: Pick<ForwardQuestion, 'name' | 'type' | 'dnssecOk' | 'checkingDisabled'>,
  mixCase: boolean,
  random: (limit: number) => number,
): { readonly bytes: Uint8Array; readonly sent: SentQuery } {
  const id = random(0x10000);
  const lower = lowerName(question.name);
  const name = mixCase ? mixSpelling(lower, random) : lower;
  const { type, dnssecOk, checkingDisabled } = question;
  const bytes = encodeQuery({ id, name, type, dnssecOk, checkingDisabled, udpSize: ownUdpSize });
  bytes[3] = (bytes[3] ?? 0) | authenticDataBit;
  return { bytes, sent: { id, name, type, exactCase: mixCase } };
}

/** Each letter in a case of its own; length octets are below the letters. */
function mixSpelling(name: Name, random: (limit: number) => number): Name {
  return name.replaceAll(/[a-z]/g, (letter) => (random(2) === 1 ? letter.toUpperCase() : letter));
}

const optLength = 11;

/** The same query without its OPT record, for servers that do not know of EDNS (RFC 6891 7). */
export function withoutEdns(query: Uint8Array): Uint8Array {
  const plain = query.slice(0, -optLength);
  plain[11] = 0;
  return plain;
}
