import type { Address } from '../model/mod.ts';
import type { AnswerDatagram, DatagramSocket } from './listen-contract.ts';

export interface UdpOptions {
  readonly address: Address;
  /** 0: one of the kernel's choice. */
  readonly port: number;
  /** Other sockets, of other workers, listen on the same address and port. */
  readonly reusePort: boolean;
  readonly answer: AnswerDatagram;
}

/** What went through a socket since it was opened. */
export interface UdpCounts {
  readonly received: number;
  readonly sent: number;
  /** Replies that the kernel did not take. */
  readonly lost: number;
  /** Datagrams longer than any question may be, thrown away. */
  readonly cutOff: number;
}

export interface UdpSocket extends DatagramSocket {
  /** Goes on counting. */
  readonly counts: UdpCounts;
  /** What `closeDescriptors` of netlink takes where a thread is ended from outside; null: Node closes it with the thread. */
  readonly descriptor: number | null;
}
