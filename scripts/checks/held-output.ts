/** Takes what a run in the background prints, and keeps it back until it is its turn. */
export interface HeldOutput {
  readonly write: (chunk: Uint8Array | string) => void;
  /** Prints what was kept back; from now on everything is printed at once. */
  readonly release: () => void;
}

/** `print` gets the chunks in the order in which they were written. */
export function holdOutput(print: (chunk: Uint8Array | string) => void): HeldOutput {
  let held: (Uint8Array | string)[] | null = [];
  return {
    write: (chunk) => {
      if (held === null) print(chunk);
      else held.push(chunk);
    },
    release: () => {
      for (const chunk of held ?? []) print(chunk);
      held = null;
    },
  };
}
