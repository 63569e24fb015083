/** What an element is made of. Texts become text nodes, never markup: names of Services are anybody's input. */
export type Child = Node | string | null;

export interface Attributes {
  readonly class?: string;
  readonly id?: string;
  readonly role?: string;
  readonly title?: string;
  readonly [name: `aria-${string}` | `data-${string}`]: string;
  readonly [name: string]: string | undefined;
}

/** Makes an element. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(attribute, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** The element of the page that has this id; without it the page and its script do not belong together. */
export function find<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${id}`);
  return found;
}

/** Sets a text where it is another one: what reads the page aloud is not called for nothing. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A table with a heading for each column; those whose name ends with a blank hold numbers. */
export function table(caption: string, headings: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  const isNumber = (column: number): boolean => headings[column]?.endsWith(' ') === true;
  const cellClass = (column: number): Attributes => (isNumber(column) ? { class: 'number' } : {});
  const head = headings.map((heading, column) => element('th', { ...cellClass(column), scope: 'col' }, heading.trim()));
  const body = rows.map((cells) => element('tr', {}, ...cells.map((cell, column) => element('td', cellClass(column), cell))));
  return element(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body)),
  );
}

/** A state in words, with a mark whose shape differs as its colour does. */
export function stateMark(kind: 'good' | 'waiting' | 'bad' | 'neutral', words: string): HTMLElement {
  const shapes = { good: '\u25cf', waiting: '\u25d0', bad: '\u25b2', neutral: '\u25cb' } as const;
  return element(
    'span',
    { class: `state ${kind}` },
    element('span', { class: 'mark', 'aria-hidden': 'true' }, shapes[kind]),
    words,
  );
}

/** `2026-11-27 11:48:03` in the reader's time zone; Swedish dates are written so. */
export function formatMoment(milliseconds: number): string {
  return new Date(milliseconds).toLocaleString('sv-SE');
}

const shown = new WeakMap<HTMLElement, string>();

/** Draws a part anew where what it shows is something else: a text that somebody selects to copy it stays selected meanwhile. */
export function drawChanged(target: HTMLElement, values: unknown, draw: () => readonly Child[]): void {
  const key = JSON.stringify(values);
  if (shown.get(target) === key) return;
  shown.set(target, key);
  target.replaceChildren(...draw().filter((child) => child !== null));
}
