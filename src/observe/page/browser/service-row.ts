import type { RowState } from '../../../model/mod.ts';
import { formatAge } from '../format-age.ts';
import { formatCount, formatRate } from '../format.ts';
import type { ServiceEntry } from '../service-entry.ts';
import type { ServiceCounts } from '../wire.ts';
import { element, stateMark } from './element.ts';

export interface RowContext {
  /** The agent's time, in milliseconds since 1970. */
  readonly now: number;
  /** Null: none are counted, here or at all. */
  readonly counts: ServiceCounts | null;
  /** From 1, and of how many. */
  readonly position: number;
  readonly of: number;
  readonly current: boolean;
  readonly opened: boolean;
  readonly changed: boolean;
}

export const stateKinds = { Done: 'good', Pending: 'waiting', Error: 'bad' } as const satisfies Record<RowState, string>;

/**
 * Draws one line of the list into an element that may have been another line: the element stays while the line is in sight, so
 * that what was pressed there is released there.
 */
export function drawRow(row: HTMLElement, entry: ServiceEntry, context: RowContext): void {
  const { now, counts, position, of, current, opened, changed } = context;
  const classes = ['row', ...(current ? ['current'] : []), ...(opened ? ['opened'] : []), ...(changed ? ['changed'] : [])];
  row.className = classes.join(' ');
  row.id = `service-${position}`;
  row.title = entry.service;
  row.dataset['service'] = entry.service;
  row.ariaSelected = String(opened);
  row.ariaPosInSet = String(position);
  row.ariaSetSize = String(of);
  const active = counts === null ? [] : [formatCount(counts.active), ' ', quiet(formatRate(counts.perSecond))];
  row.replaceChildren(
    element('span', { class: 'cell-state' }, stateMark(stateKinds[entry.state], entry.state)),
    element('span', { class: 'cell-name' }, quiet(`${entry.namespace}/`), entry.name),
    element('span', { class: 'cell-frontend' }, entry.frontend, entry.more === 0 ? null : quiet(` +${entry.more}`)),
    element('span', { class: entry.refused === '' ? 'cell-backends counted' : 'cell-backends' }, describeBackends(entry)),
    element('span', { class: 'cell-active' }, ...active),
    element('span', { class: 'cell-age quiet' }, formatAge(now - entry.since)),
  );
}

function quiet(text: string): HTMLElement {
  return element('span', { class: 'quiet' }, text);
}

/** A number, and the verdict where none of them gets anything. */
function describeBackends({ backends, refused }: ServiceEntry): string {
  return refused === '' ? formatCount(backends) : `0, ${refused}`;
}
