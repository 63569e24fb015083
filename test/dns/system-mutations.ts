import dnsPacket from 'dns-packet';

/** Numbers that are the same for the same seed (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** From 0 up to but without `below`. */
  roll(below: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % below;
  }
}

/** Octets that lengths, pointers and counts turn on. */
const telling = [0x00, 0x01, 0x0c, 0x29, 0x3f, 0x40, 0x80, 0xbf, 0xc0, 0xff];

export const longestMutation = 512;

/** Writes queries that are good, nearly good and not good at all. */
export class Mutator {
  readonly #dice: Dice;
  readonly #images: readonly Uint8Array[];

  constructor(seed: number, names: readonly string[]) {
    this.#dice = new Dice(seed);
    this.#images = names.flatMap((name) => makeImages(name));
  }

  /** Writes one to the beginning of `out`, which has room for {@link longestMutation}, and gives its length. */
  write(out: Uint8Array): number {
    const dice = this.#dice;
    const image = this.#pick();
    out.set(image);
    let length = image.length;
    switch (dice.roll(8)) {
      case 0:
        length = dice.roll(300);
        for (let at = 0; at < length; at += 1) out[at] = dice.roll(256);
        break;
      case 1:
        for (let times = 1 + dice.roll(8); times > 0; times -= 1) {
          const at = dice.roll(length);
          out[at] = (out[at] ?? 0) ^ (1 << dice.roll(8));
        }
        break;
      case 2:
        for (let times = 1 + dice.roll(3); times > 0; times -= 1)
          out[dice.roll(length)] = telling[dice.roll(telling.length)] ?? 0;
        break;
      case 3:
        length = dice.roll(length);
        break;
      case 4:
        length = this.#splice(out, length);
        break;
      case 5:
        // The counts of the header.
        out[4 + dice.roll(8)] = dice.roll(4);
        break;
      case 6:
        // Letters in another case.
        for (let at = 12; at < length; at += 1) if (dice.roll(2) === 0 && isLetter(out[at] ?? 0)) out[at] = (out[at] ?? 0) ^ 0x20;
        break;
      default:
    }
    for (let at = 0; at < Math.min(2, length); at += 1) out[at] = dice.roll(256);
    return length;
  }

  #pick(): Uint8Array {
    return this.#images[this.#dice.roll(this.#images.length)] ?? new Uint8Array(0);
  }

  /** The beginning of one and the end of another. */
  #splice(out: Uint8Array, length: number): number {
    const other = this.#pick();
    const keep = this.#dice.roll(length);
    const from = this.#dice.roll(other.length);
    const tail = other.subarray(from, from + longestMutation - keep);
    out.set(tail, keep);
    return keep + tail.length;
  }
}

function isLetter(octet: number): boolean {
  return (octet | 0x20) >= 0x61 && (octet | 0x20) <= 0x7a;
}

const types = ['A', 'AAAA', 'SRV', 'TXT', 'PTR', 'ANY', 'SOA', 'CNAME'] as const;

function makeImages(name: string): readonly Uint8Array[] {
  return types.flatMap((type) => {
    // The types of the library do not know ANY as a question.
    const questions = [{ type: type as dnsPacket.RecordType, name }];
    const plain = dnsPacket.encode({ type: 'query', id: 1, flags: 0x0100, questions });
    return [plain, ...[0, 512, 700, 1232, 4096].map((size) => addOpt(plain, size))];
  });
}

/** With DO where the size is 700, and with a cookie of the client where it is 4096. */
function addOpt(plain: Uint8Array, size: number): Uint8Array {
  const cookie = size === 4096 ? [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] : [];
  const opt = [0, 0, 41, size >> 8, size & 0xff, 0, 0, size === 700 ? 0x80 : 0, 0, 0, cookie.length, ...cookie];
  const message = Uint8Array.from([...plain, ...opt]);
  message[11] = 1;
  return message;
}
