/**
 * The few things that are done with an open netlink socket. Negative results are error numbers, as inside the kernel;
 * no call waits.
 */
export interface Wire {
  /** Sends one datagram to the kernel. 0, or a negative error number. */
  send(bytes: Uint8Array): number;
  /**
   * Takes one datagram. Its full length, which is more than the buffer's where it was cut off, or a negative error
   * number: EAGAIN where there is none.
   */
  receive(into: Uint8Array): number;
  close(): void;
}
