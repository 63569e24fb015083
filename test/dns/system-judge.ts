import dnsPacket from 'dns-packet';
import { parseMessage } from '../../src/dns/parse-message.ts';

const udpCap = 1232;

/** Looks at replies to whatever was sent. Throws, showing both in hexadecimal, at the first that is not as it must be. */
export class Judge {
  /** Replies that were looked at, and those of them that the independent library read. */
  replies = 0;
  readByOther = 0;
  askedOther = 0;
  readonly byCode = new Map<number, number>();

  /** `limit`: the most that the reply may have; null: what the query allows over UDP. */
  see(query: Uint8Array, reply: Uint8Array, limit: number | null, otherLibrary: boolean): void {
    this.replies += 1;
    const parsed = parseMessage(reply);
    if (parsed === null) return fail('it is malformed', query, reply);
    if (!parsed.response) return fail('it is a query', query, reply);
    if (query.length < 12 || parsed.id !== (((query[0] ?? 0) << 8) | (query[1] ?? 0)))
      return fail('its id is another', query, reply);
    if (parsed.opcode !== (((query[2] ?? 0) >> 3) & 15)) return fail('its opcode is another', query, reply);
    if (reply.length > (limit ?? limitOf(query))) return fail('it is too long', query, reply);
    this.byCode.set(parsed.rcode, (this.byCode.get(parsed.rcode) ?? 0) + 1);
    if (otherLibrary) this.#askOther(reply, parsed.id, parsed.answer.length);
    return undefined;
  }

  /** Names of any octets are more than that library takes; what it reads has to agree. */
  #askOther(reply: Uint8Array, id: number, answers: number): void {
    this.askedOther += 1;
    let read: dnsPacket.DecodedPacket;
    try {
      read = dnsPacket.decode(Buffer.from(reply));
    } catch {
      return;
    }
    this.readByOther += 1;
    if (read.id !== id || (read.answers?.length ?? 0) !== answers) fail('another library reads something else', reply, reply);
  }
}

/** Below 512 counts as 512, and the cap is above all (specification 7.3, 8.1). */
function limitOf(query: Uint8Array): number {
  const size = parseMessage(query)?.edns?.udpSize ?? 512;
  return Math.min(Math.max(512, size), udpCap);
}

function fail(reason: string, query: Uint8Array, reply: Uint8Array): never {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  throw new Error(`a reply is wrong: ${reason}\nquery ${hex(query)}\nreply ${hex(reply)}`);
}
