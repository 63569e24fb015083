/** Texts by key that many readers follow, each at its own speed: a reader remembers one number and no text. */
export class VersionedTexts {
  #version = 0;
  readonly #texts = new Map<string, { readonly text: string | null; readonly version: number }>();

  /** The version of the last change; 0 before there was one. */
  get version(): number {
    return this.#version;
  }

  /** Takes what holds now. Keys that are left out are gone: null, from then on. */
  replace(texts: ReadonlyMap<string, string>): void {
    const version = this.#version + 1;
    let changed = false;
    const put = (key: string, text: string | null): void => {
      if (this.#texts.get(key)?.text === text) return;
      this.#texts.set(key, { text, version });
      changed = true;
    };
    for (const [key, text] of texts) put(key, text);
    for (const key of this.#texts.keys()) if (!texts.has(key)) put(key, null);
    if (changed) this.#version = version;
  }

  /** What changed after that version. After 0 what is gone is left out: nobody has seen it. */
  since(version: number): readonly (readonly [string, string | null])[] {
    return [...this.#texts].flatMap(([key, entry]) =>
      entry.version > version && (version > 0 || entry.text !== null) ? [[key, entry.text] as const] : [],
    );
  }

  /** Forgets everything, also what is gone. Readers begin again at 0. */
  clear(): void {
    this.#texts.clear();
    this.#version = 0;
  }
}
