import type { RowState } from '../../../model/mod.ts';
import { formatCount } from '../format.ts';
import type { ServiceEntry } from '../service-entry.ts';
import type { Selection, ServiceList } from '../service-list.ts';
import { findVisible, scrollTarget, stepTo } from '../visible-range.ts';
import type { Viewport } from '../visible-range.ts';
import { element, find, setText } from './element.ts';
import { drawRow } from './service-row.ts';

export interface ServicesViewOptions {
  readonly list: ServiceList;
  /** The agent's time, in milliseconds since 1970. */
  readonly now: () => number;
  readonly open: (service: string) => void;
  readonly close: () => void;
}

/**
 * The list of Services: a list box of which only the lines in sight are in the document, so that its cost does not depend on
 * how many Services there are.
 */
export class ServicesView {
  readonly #options: ServicesViewOptions;
  readonly #box = find('list', HTMLElement);
  readonly #space = element('div', { class: 'space', role: 'presentation' });
  readonly #search = find('search', HTMLInputElement);
  readonly #state = find('state', HTMLSelectElement);
  readonly #order = find('order', HTMLSelectElement);
  #shown: readonly ServiceEntry[] = [];
  /** The Service that keys are about. */
  #current: string | null = null;
  #opened: string | null = null;
  #counts = false;
  /** The lines in sight, by Service. */
  #rows: ReadonlyMap<string, HTMLElement> = new Map();
  readonly #changed = new Map<string, number>();

  constructor(options: ServicesViewOptions) {
    this.#options = options;
    this.#box.replaceChildren(this.#space);
    this.#box.addEventListener('scroll', () => this.#draw());
    this.#box.addEventListener('keydown', (event) => this.#hearKey(event));
    this.#box.addEventListener('click', (event) => this.#hearClick(event));
    this.#search.addEventListener('keydown', (event) => this.#hearSearchKey(event));
    for (const field of [this.#search, this.#state, this.#order]) field.addEventListener('input', () => this.refresh());
    new ResizeObserver(() => this.#draw()).observe(this.#box);
  }

  /** Selects and draws anew. */
  refresh(): void {
    const { list } = this.#options;
    this.#shown = list.select(this.#selection());
    this.#space.style.height = `${this.#shown.length * this.#viewport().rowHeight}px`;
    const { size } = list;
    const some = this.#shown.length === size ? formatCount(size) : `${formatCount(this.#shown.length)} of ${formatCount(size)}`;
    setText(find('shown', HTMLElement), `${some} ${size === 1 ? 'Service' : 'Services'}`);
    setText(find('empty', HTMLElement), this.#shown.length > 0 ? '' : this.#explainEmpty());
    this.#draw();
  }

  /** Lines of these Services stand out for a moment. */
  markChanged(services: readonly string[]): void {
    for (const service of services) this.#changed.set(service, this.#options.now());
  }

  /** Draws what changes with time alone. */
  tick(): void {
    const now = this.#options.now();
    for (const [service, at] of this.#changed) if (now - at > 2000) this.#changed.delete(service);
    this.#draw();
  }

  showCounts(counts: boolean): void {
    this.#counts = counts;
    find('services', HTMLElement).classList.toggle('counts', counts);
    const option = this.#order.querySelector<HTMLOptionElement>('option[value=connections]');
    if (option !== null) option.disabled = !counts;
  }

  markOpened(service: string | null): void {
    this.#opened = service;
    this.#draw();
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }

  focusList(): void {
    this.#box.focus();
  }

  #selection(): Selection {
    const state = this.#state.value;
    const order = this.#order.value;
    return {
      search: this.#search.value,
      state: state === 'Pending' || state === 'Done' || state === 'Error' ? (state satisfies RowState) : null,
      order: order === 'connections' || order === 'changed' ? order : 'name',
    };
  }

  #explainEmpty(): string {
    return this.#options.list.size === 0 ? 'The agent serves no Services yet.' : 'No Service matches the search.';
  }

  #viewport(): Viewport {
    const rowHeight = Number.parseFloat(getComputedStyle(this.#box).getPropertyValue('--row-height')) || 36;
    return { top: this.#box.scrollTop, height: this.#box.clientHeight, rowHeight };
  }

  #draw(): void {
    const viewport = this.#viewport();
    const { from, to } = findVisible(viewport, this.#shown.length);
    const rows = new Map<string, HTMLElement>();
    for (const [offset, entry] of this.#shown.slice(from, to).entries()) {
      const index = from + offset;
      const row = this.#rows.get(entry.service) ?? element('div', { role: 'option' });
      rows.set(entry.service, row);
      drawRow(row, entry, {
        now: this.#options.now(),
        counts: this.#counts ? this.#options.list.countsOf(entry.service) : null,
        position: index + 1,
        of: this.#shown.length,
        current: entry.service === this.#current,
        opened: entry.service === this.#opened,
        changed: this.#changed.has(entry.service),
      });
      row.style.transform = `translateY(${index * viewport.rowHeight}px)`;
      // Where it is already it stays: an element that is put in anew loses a press under way.
      if (this.#space.children[offset] !== row) this.#space.insertBefore(row, this.#space.children[offset] ?? null);
    }
    for (const row of [...this.#space.children].slice(rows.size)) row.remove();
    this.#rows = rows;
    const current = this.#current === null ? undefined : rows.get(this.#current);
    if (current === undefined) this.#box.removeAttribute('aria-activedescendant');
    else this.#box.setAttribute('aria-activedescendant', current.id);
  }

  #hearKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      const service = this.#current ?? this.#shown[0]?.service;
      if (service !== undefined) this.#open(service);
      return;
    }
    if (event.key === 'Escape') {
      if (this.#opened !== null) this.#options.close();
      return;
    }
    const viewport = this.#viewport();
    const index = this.#shown.findIndex(({ service }) => service === this.#current);
    const page = Math.max(1, Math.floor(viewport.height / viewport.rowHeight) - 1);
    const target = stepTo(event.key, index, this.#shown.length, page);
    if (target === null) return;
    event.preventDefault();
    this.#moveTo(target);
  }

  #hearSearchKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      this.#search.value = '';
      this.refresh();
    } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      this.#moveTo(0);
      this.focusList();
    }
  }

  #moveTo(index: number): void {
    this.#current = this.#shown[index]?.service ?? null;
    const target = scrollTarget(this.#viewport(), index);
    if (target !== null) this.#box.scrollTop = target;
    this.#draw();
  }

  #hearClick(event: MouseEvent): void {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-service]') : null;
    const service = row?.dataset['service'];
    if (service !== undefined) this.#open(service);
  }

  #open(service: string): void {
    this.#current = service;
    this.#options.open(service);
  }
}
