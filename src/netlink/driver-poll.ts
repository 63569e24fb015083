/** As much of koffi's binding of `uv_poll` as is used here. Its callback is given a status first, unlike its types say. */
interface PollHandle {
  start(callback: (status: unknown) => void): void;
  close(): void;
  unref(): void;
}
type OpenPoll = (fd: number, callback: (status: unknown) => void) => PollHandle;

/** A handle that nothing points to is collected as garbage, and its polling ends. */
const handles = new Set<PollHandle>();

/**
 * Calls back from the event loop while a file is readable or has an error. What is readable must be read in the
 * callback, or it is called again at once. The process does not end meanwhile where this `holds` it.
 */
export function startPoll(openPoll: OpenPoll, fd: number, onReadable: () => void, holds: boolean): { close(): void } {
  let handle: PollHandle | null = null;
  // The binding calls from outside of Node's own callbacks: promises would not go on and an exception would be lost.
  const onPoll = (status: unknown): void => void setImmediate(answer, status);
  const answer = (status: unknown): void => {
    if (handle === null) return;
    onReadable();
    // libuv ends polling on EPOLLERR, which for netlink is a buffer that ran over and no reason to stop.
    if (typeof status === 'number' && status < 0) handle?.start(onPoll);
  };
  handle = openPoll(fd, onPoll);
  if (!holds) handle.unref();
  handles.add(handle);
  return {
    close() {
      if (handle === null) return;
      handle.close();
      handles.delete(handle);
      handle = null;
    },
  };
}
