import { formatCount, formatShare } from '../format.ts';
import type { DnsFigures, PageSummary, SummaryProblem } from '../wire.ts';
import { drawChanged, element, find, formatMoment, table } from './element.ts';

/** The resolver's totals. Null: none have come. */
export function showDns(figures: DnsFigures | null, dns: PageSummary['dns']): void {
  drawChanged(find('dns', HTMLElement), [figures, dns], () => {
    if (dns.running) return figures === null ? [quiet('Waiting for the first figures \u2026')] : describeFigures(figures);
    const why = dns.configured
      ? 'DNS is configured and could not be started; the problems and the log say why.'
      : 'DNS is off: the setting dns.enabled switches it on.';
    return [element('p', {}, why)];
  });
}

function describeFigures({ queries, cacheHits, cacheMisses, rcodes }: DnsFigures): readonly HTMLElement[] {
  const asked = cacheHits + cacheMisses;
  const replies = rcodes.reduce((sum, [, count]) => sum + count, 0);
  const fact = (name: string, value: string): HTMLElement =>
    element('div', { class: 'fact' }, element('dt', {}, name), element('dd', { class: 'figure' }, value));
  return [
    element(
      'dl',
      { class: 'facts' },
      fact('Questions', formatCount(queries)),
      fact('Cache hits', formatCount(cacheHits)),
      fact('Cache misses', formatCount(cacheMisses)),
      fact('Hit rate', asked === 0 ? '\u2013' : formatShare(cacheHits / asked)),
    ),
    quiet('Since the agent started. Names of the cluster are answered from its data and ask no cache.'),
    table(
      'Replies by response code',
      ['Response code', 'Replies ', 'Share '],
      rcodes.map(([rcode, count]) => [rcode, formatCount(count), formatShare(replies === 0 ? 0 : count / replies)]),
    ),
  ];
}

/** What was reported in the last ten minutes. */
export function showProblems(problems: readonly SummaryProblem[]): void {
  drawChanged(find('problems', HTMLElement), problems, () => {
    if (problems.length === 0) return [element('p', {}, 'None in the last ten minutes.')];
    return [element('ul', { class: 'problems' }, ...problems.map(describeProblem))];
  });
}

function describeProblem({ code, message, at, times }: SummaryProblem): HTMLElement {
  const when = ` ${formatMoment(at)}${times > 1 ? `, ${times} times` : ''}`;
  return element('li', {}, element('code', {}, code), element('span', { class: 'quiet' }, when), element('p', {}, message));
}

function quiet(text: string): HTMLElement {
  return element('p', { class: 'quiet' }, text);
}
