/**
 * The few things that are done with an open netlink socket. Negative results are error numbers, as inside the kernel;
 * no call waits.
 */
export interface Wire {
  /** Sends one datagram to the kernel. 0, or a negative error number. */
  send(bytes: Uint8Array): number;
  /**
   * The same on a thread of its own, for what the kernel may take long to handle. One at a time; the bytes must not be
   * changed meanwhile. Closing the socket meanwhile takes effect when the kernel is done.
   */
  sendAside(bytes: Uint8Array): Promise<number>;
  /**
   * Takes one datagram. Its full length, which is more than the buffer's where it was cut off, or a negative error
   * number: EAGAIN where there is none.
   */
  receive(into: Uint8Array): number;
  close(): void;
}

/** A socket that hears what the kernel tells everyone who listens. */
export interface Ear extends Pick<Wire, 'receive' | 'close'> {
  /**
   * Calls back whenever there is something to receive, an error included, until closed. Does not keep the process
   * running. Called once at most.
   */
  watch(onReadable: () => void): void;
}
