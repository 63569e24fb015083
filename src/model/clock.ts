/** Time as a parameter; tests turn it by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after the delay in milliseconds. The result cancels it. */
  after(delay: number, callback: () => void): () => void;
}
