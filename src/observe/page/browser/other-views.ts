import { formatAge } from '../format-age.ts';
import { formatCount, formatShare } from '../format.ts';
import type { DnsFigures, PageSummary, SummaryProblem } from '../wire.ts';
import { element, find, table } from './element.ts';

/** The resolver's totals. Null: none have come. */
export function showDns(figures: DnsFigures | null, dns: PageSummary['dns']): void {
  const panel = find('dns', HTMLElement);
  if (!dns.running) {
    const why = dns.configured
      ? 'DNS is configured and could not be started; the problems and the log say why.'
      : 'DNS is off: the setting dns.enabled switches it on.';
    panel.replaceChildren(element('p', {}, why));
    return;
  }
  if (figures === null) {
    panel.replaceChildren(element('p', { class: 'quiet' }, 'Waiting for the first figures \u2026'));
    return;
  }
  const { queries, cacheHits, cacheMisses, rcodes } = figures;
  const asked = cacheHits + cacheMisses;
  const replies = rcodes.reduce((sum, [, count]) => sum + count, 0);
  const fact = (name: string, value: string): HTMLElement =>
    element('div', { class: 'fact' }, element('dt', {}, name), element('dd', { class: 'figure' }, value));
  panel.replaceChildren(
    element(
      'dl',
      { class: 'facts' },
      fact('Questions', formatCount(queries)),
      fact('Cache hits', formatCount(cacheHits)),
      fact('Cache misses', formatCount(cacheMisses)),
      fact('Hit rate', asked === 0 ? '\u2013' : formatShare(cacheHits / asked)),
    ),
    element(
      'p',
      { class: 'quiet' },
      'Since the agent started. Names of the cluster are answered from its data and ask no cache.',
    ),
    table(
      'Replies by response code',
      ['Response code', 'Replies ', 'Share '],
      rcodes.map(([rcode, count]) => [rcode, formatCount(count), formatShare(replies === 0 ? 0 : count / replies)]),
    ),
  );
}

/** What was reported in the last ten minutes. `now` is the agent's time. */
export function showProblems(problems: readonly SummaryProblem[], now: number): void {
  const panel = find('problems', HTMLElement);
  if (problems.length === 0) {
    panel.replaceChildren(element('p', {}, 'None in the last ten minutes.'));
    return;
  }
  const items = problems.map(({ code, message, at, times }) =>
    element(
      'li',
      {},
      element('code', {}, code),
      element('span', { class: 'quiet' }, ` ${formatAge(now - at)} ago${times > 1 ? `, ${times} times` : ''}`),
      element('p', {}, message),
    ),
  );
  panel.replaceChildren(element('ul', { class: 'problems' }, ...items));
}
