/** What waits for its moment. The heap owns `place`. */
export interface Due {
  due: number;
  /** -1: in no heap. */
  place: number;
}

/** The earliest first (a binary heap). All changes cost the logarithm of the number of items. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  get first(): T | undefined {
    return this.#items[0];
  }

  /** Puts an item in, or moves it where it is in already. */
  put(item: T, due: number): void {
    item.due = due;
    if (item.place < 0) {
      item.place = this.#items.length;
      this.#items.push(item);
    }
    this.#settle(item);
  }

  /** Nothing happens to an item that is not in. */
  remove(item: T): void {
    const at = item.place;
    if (at < 0) return;
    const last = this.#items.pop();
    item.place = -1;
    if (last === undefined || last === item) return;
    this.#set(at, last);
    this.#settle(last);
  }

  #settle(item: T): void {
    this.#rise(item);
    this.#sink(item);
  }

  #rise(item: T): void {
    for (let at = item.place; at > 0; at = item.place) {
      const above = (at - 1) >> 1;
      const parent = this.#items[above];
      if (parent === undefined || parent.due <= item.due) return;
      this.#set(at, parent);
      this.#set(above, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const at = item.place;
      const left = this.#items[2 * at + 1];
      const right = this.#items[2 * at + 2];
      const child = right !== undefined && left !== undefined && right.due < left.due ? right : left;
      if (child === undefined || child.due >= item.due) return;
      const below = child.place;
      this.#set(at, child);
      this.#set(below, item);
    }
  }

  #set(at: number, item: T): void {
    this.#items[at] = item;
    item.place = at;
  }
}
