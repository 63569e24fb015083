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

/** One line of the list. */
export function makeRow(entry: ServiceEntry, { now, counts, position, of, current, opened, changed }: RowContext): HTMLElement {
  const classes = ['row', ...(current ? ['current'] : []), ...(opened ? ['opened'] : []), ...(changed ? ['changed'] : [])];
  const more = entry.more === 0 ? null : element('span', { class: 'quiet' }, ` +${entry.more}`);
  return element(
    'div',
    {
      class: classes.join(' '),
      role: 'option',
      id: `service-${position}`,
      title: entry.service,
      'data-service': entry.service,
      'aria-selected': String(opened),
      'aria-posinset': String(position),
      'aria-setsize': String(of),
    },
    element('span', { class: 'cell-state' }, stateMark(stateKinds[entry.state], entry.state)),
    element('span', { class: 'cell-name' }, element('span', { class: 'quiet' }, `${entry.namespace}/`), entry.name),
    element('span', { class: 'cell-frontend' }, entry.frontend, more),
    element('span', { class: 'cell-backends' }, describeBackends(entry)),
    counts === null
      ? element('span', { class: 'cell-active' })
      : element(
          'span',
          { class: 'cell-active' },
          formatCount(counts.active),
          ' ',
          element('span', { class: 'quiet' }, formatRate(counts.perSecond)),
        ),
    element('span', { class: 'cell-age quiet' }, formatAge(now - entry.since)),
  );
}

function describeBackends({ backends, refused }: ServiceEntry): string {
  if (refused !== '') return refused === 'reject' ? 'none: refused' : 'none: dropped';
  return formatCount(backends);
}
