/**
 * Lets long work give way: null while the current turn of the event loop still has time, else a promise
 * that resolves on a later turn.
 */
export type Pause = () => Promise<void> | null;
