import { fail, succeed } from '../model/mod.ts';
import type { Address, Outcome } from '../model/mod.ts';
import { datagramSlots, errnos, openDatagrams } from '../netlink/mod.ts';
import type { Datagrams } from '../netlink/mod.ts';
import type { AnswerDatagram, Peer, ReturnPath } from './listen-contract.ts';
import type { UdpCounts, UdpOptions, UdpSocket } from './udp-socket.ts';

/** Batches after which timers, TCP and messages have their turn: about a millisecond of answers. */
const batchesPerTurn = 8;

/**
 * Opens a UDP socket that takes and answers datagrams in batches, with one system call for many. Fails with
 * `WP_NETLINK_FFI` where that is out of reach, or with `WP_DNS_BIND`.
 */
export async function openBatchUdp(
  options: UdpOptions,
  open: (options: UdpOptions) => Promise<Outcome<Datagrams>> = openDatagrams,
): Promise<Outcome<UdpSocket>> {
  const opened = await open(options);
  if (opened.ok) return succeed(new BatchSocket(opened.value, options));
  const { code, message, cause } = opened.problem;
  return code === 'WP_NETLINK_FFI' ? opened : fail('WP_DNS_BIND', message, cause);
}

class BatchSocket implements UdpSocket {
  readonly address: Address;
  readonly port: number;
  readonly descriptor: number;
  readonly counts: { -readonly [name in keyof UdpCounts]: number } = { received: 0, sent: 0, lost: 0, cutOff: 0 };
  readonly #datagrams: Datagrams;
  readonly #answer: AnswerDatagram;
  readonly #peer: { -readonly [name in keyof Peer]: Peer[name] };
  /** The slot of the message in hand; -1 between messages. */
  #slot = -1;
  #open = true;
  /** Entries that the kernel had no room for. */
  #first = 0;
  #left = 0;

  constructor(datagrams: Datagrams, { address, answer }: UdpOptions) {
    this.#datagrams = datagrams;
    this.#answer = answer;
    this.#peer = { buffer: datagrams.bytes, offset: 0, octets: datagrams.octets, port: 0 };
    this.address = address;
    this.port = datagrams.port;
    this.descriptor = datagrams.descriptor;
    datagrams.watch(() => this.#turn());
  }

  keepPath(): ReturnPath {
    if (this.#slot < 0) throw new TypeError('there is no message in hand whose way back could be kept');
    return this.#datagrams.keepPath(this.#slot);
  }

  send(path: ReturnPath, bytes: Uint8Array): void {
    if (!this.#open) return;
    if (this.#datagrams.sendLate(path as Uint8Array, bytes) < 0) this.counts.lost += 1;
    else this.counts.sent += 1;
  }

  close(): void {
    if (this.#open) this.#datagrams.close();
    this.#open = false;
  }

  #turn(): void {
    for (let batch = 0; batch < batchesPerTurn && this.#open; batch += 1) {
      this.#retry();
      const count = this.#datagrams.receive();
      if (count === -errnos.EAGAIN) return;
      // Other errors are of single datagrams that were sent, told late; they are none of the receiver's.
      if (count <= 0) continue;
      this.#answerBatch(count);
      // What came meanwhile wakes the loop again, which is cheaper than asking in vain each time.
      if (count < datagramSlots) return;
    }
  }

  #answerBatch(count: number): void {
    const datagrams = this.#datagrams;
    const { bytes } = datagrams;
    const peer = this.#peer;
    let staged = 0;
    this.counts.received += count;
    for (let slot = 0; slot < count; slot += 1) {
      const length = datagrams.lengthOf(slot);
      if (length < 0) {
        this.counts.cutOff += 1;
        continue;
      }
      peer.offset = datagrams.addressAt(slot);
      peer.port = datagrams.portOf(slot);
      this.#slot = slot;
      const at = datagrams.datagramAt(slot);
      const reply = this.#answer(this, bytes, at, length, peer, bytes, at);
      if (!this.#open) break;
      if (reply === 0) continue;
      datagrams.stage(staged, slot, reply);
      staged += 1;
    }
    this.#slot = -1;
    if (this.#open) this.#sendAll(0, staged);
  }

  #sendAll(first: number, count: number): void {
    this.#first = first;
    this.#left = count;
    this.#send();
    // Once more when the loop has gone round; its memory is needed for the next batch after that.
    if (this.#left > 0) setImmediate(() => this.#retry());
  }

  /** Sends what is left, until all has gone or the kernel has no room. */
  #send(): void {
    while (this.#left > 0) {
      const sent = this.#datagrams.send(this.#first, this.#left);
      if (sent === -errnos.EAGAIN) return;
      if (sent === -errnos.EINTR) continue;
      // A refusal is of the first: of its address, or of a rule that does not let it out.
      const done = Math.max(sent, 1);
      if (sent <= 0) this.counts.lost += 1;
      else this.counts.sent += sent;
      this.#first += done;
      this.#left -= done;
    }
  }

  #retry(): void {
    if (!this.#open || this.#left === 0) return;
    this.#send();
    this.counts.lost += this.#left;
    this.#left = 0;
  }
}
