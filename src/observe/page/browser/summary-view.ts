import { formatAge } from '../format-age.ts';
import { formatCount, formatNumberOf } from '../format.ts';
import type { FamilySummary, PageSummary } from '../wire.ts';
import { element, find, setText, stateMark } from './element.ts';
import type { Child } from './element.ts';
import type { FeedState } from './feed.ts';

const feedWords: Readonly<Record<FeedState, readonly [Parameters<typeof stateMark>[0], string]>> = {
  connecting: ['waiting', 'connecting'],
  live: ['good', 'live'],
  lost: ['bad', 'connection lost, trying again'],
  refused: ['bad', 'no place for another reader, trying again'],
};

export function showFeedState(state: FeedState): void {
  find('feed', HTMLElement).replaceChildren(stateMark(...feedWords[state]));
}

/** The head of the page. `now` is the agent's time. */
export function showSummary(summary: PageSummary, now: number): void {
  const { agent, problems } = summary;
  setText(find('node', HTMLElement), agent.node);
  setText(
    find('agent', HTMLElement),
    `mode ${agent.mode} \u00b7 version ${agent.version} \u00b7 up ${formatAge(now - agent.startedAt)}`,
  );
  document.title = `${agent.node} \u00b7 Waypost`;
  setText(find('problem-count', HTMLElement), problems.length === 0 ? '' : ` (${problems.length})`);
  const facts = [describeSync(summary), ...summary.families.map((one) => describeFamily(one, now)), ...describeRooms(summary)];
  find('facts', HTMLElement).replaceChildren(...facts);
}

function fact(name: string, ...values: readonly Child[]): HTMLElement {
  return element('div', { class: 'fact' }, element('dt', {}, name), element('dd', {}, ...values));
}

function describeSync({ synced, nodeEligible }: PageSummary): HTMLElement {
  const eligible = nodeEligible ? null : element('span', { class: 'quiet' }, 'the Node is not seen, or leaves');
  return fact('Node', synced ? stateMark('good', 'in sync') : stateMark('waiting', 'first sync under way'), eligible);
}

function describeFamily({ family, healthy, frontends, lastUpdated, pendingSince }: FamilySummary, now: number): HTMLElement {
  const { Done, Pending, Error: refused } = frontends;
  const state = refused > 0 ? 'bad' : healthy && Pending === 0 ? 'good' : healthy ? 'waiting' : 'bad';
  const words = [
    `${formatCount(Done)} done`,
    ...(Pending > 0 ? [`${formatCount(Pending)} pending`] : []),
    ...(refused > 0 ? [formatNumberOf(refused, 'error')] : []),
    ...(healthy ? [] : ['changes wait too long']),
  ];
  const written = lastUpdated === null ? 'never written' : `written ${formatAge(now - lastUpdated)} ago`;
  const waiting = pendingSince === null ? '' : `, a change waits for ${formatAge(now - pendingSince)}`;
  return fact(
    `${family} frontends`,
    stateMark(state, words.join(', ')),
    element('span', { class: 'quiet' }, `${written}${waiting}`),
  );
}

function describeRooms({ dns, ingress }: PageSummary): readonly HTMLElement[] {
  const resolver = dns.running
    ? dns.ready
      ? stateMark('good', 'answers')
      : stateMark('waiting', 'not ready')
    : dns.configured
      ? stateMark('bad', 'configured, and could not start')
      : stateMark('neutral', 'off');
  const published = ingress.running
    ? stateMark('good', formatNumberOf(ingress.publications, 'publication'))
    : stateMark('neutral', 'off');
  return [fact('DNS', resolver), fact('Ingress', published)];
}
