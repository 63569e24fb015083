/**
 * The status page: shows what the agent sends, and asks it for the endpoints of one Service and for traces. Events change values;
 * the document is drawn once in a frame, whatever came.
 */
import { ServiceList } from '../service-list.ts';
import type { DnsFigures, PageSummary } from '../wire.ts';
import { DetailView } from './detail-view.ts';
import { find, setText } from './element.ts';
import { followFeed } from './feed.ts';
import { showDns, showProblems } from './other-views.ts';
import { ServicesView } from './services-view.ts';
import { showFeedState, showSummary } from './summary-view.ts';
import { setUpTabs } from './tabs.ts';
import { setUpTrace } from './trace-view.ts';

const list = new ServiceList();
/** By how much the agent's clock is ahead of this one, in milliseconds. */
let ahead = 0;
let summary: PageSummary | null = null;
let dns: DnsFigures | null = null;
let complete = false;
let frame = 0;
let listChanged = false;

const now = (): number => Date.now() + ahead;
const showTab = setUpTabs();
const fillTrace = setUpTrace();
const services = new ServicesView({ list, now, open: openService, close: closeService });
const detail = new DetailView({
  close: closeService,
  trace: (destination) => {
    showTab('trace');
    fillTrace(destination);
  },
});

function openService(service: string): void {
  const entry = list.get(service);
  if (entry === null) return;
  services.markOpened(service);
  find('services', HTMLElement).classList.add('with-detail');
  detail.open(entry, list.countsOf(service));
}

function closeService(): void {
  find('services', HTMLElement).classList.remove('with-detail');
  detail.open(null, null);
  services.markOpened(null);
  services.focusList();
}

function drawSoon(): void {
  if (frame === 0) frame = requestAnimationFrame(draw);
}

function draw(): void {
  frame = 0;
  drawSummary();
  if (!listChanged) return;
  listChanged = false;
  services.refresh();
  const tally = list.tally();
  for (const state of ['Done', 'Pending', 'Error'] as const) {
    setText(find(`state-${state.toLowerCase()}`, HTMLOptionElement), `${state} (${tally[state]})`);
  }
  if (complete && performance.getEntriesByName('waypost-first-rows').length > 0) measureOnce();
}

/** For whoever wants to know how long the first complete picture took: from its first rows to the list that shows it. */
function measureOnce(): void {
  if (performance.getEntriesByName('waypost-rendered').length > 0) return;
  performance.mark('waypost-rendered');
  performance.measure('waypost-first-picture', 'waypost-first-rows', 'waypost-rendered');
}

function drawSummary(): void {
  if (summary === null) return;
  showSummary(summary, now());
  showProblems(summary.problems);
  showDns(dns, summary.dns);
  services.showCounts(summary.countsConnections);
  const words = summary.countsConnections
    ? ''
    : `In mode ${summary.agent.mode} the kernel keeps no connection counts by Service; it does in mode ipvs.`;
  setText(find('uncounted-mode', HTMLElement), words);
}

followFeed(
  {
    hello: (event) => {
      ahead = event.now - Date.now();
      complete = false;
      list.begin();
    },
    beat: (event) => {
      ahead = event.now - Date.now();
    },
    summary: (event) => {
      summary = event;
      drawSoon();
    },
    rows: (event) => {
      if (performance.getEntriesByName('waypost-first-rows').length === 0) performance.mark('waypost-first-rows');
      list.apply(event);
      if (complete) services.markChanged(event.map(({ service }) => service));
      const opened = event.find(({ service }) => service === detail.service);
      if (opened !== undefined) detail.update(list.get(opened.service));
      listChanged = true;
      // Of a picture under way the first part is drawn, to have something to read, and then the whole.
      if (complete || list.size <= event.length) drawSoon();
    },
    ready: () => {
      complete = true;
      list.finish();
      if (detail.service !== null && list.get(detail.service) === null) detail.update(null);
      listChanged = true;
      drawSoon();
    },
    connections: (event) => {
      list.applyCounts(event);
      if (detail.service !== null) detail.updateCounts(list.countsOf(detail.service));
      listChanged = true;
      drawSoon();
    },
    uncounted: (event) => setText(find('uncounted', HTMLElement), event.map(({ message }) => message).join(' ')),
    dns: (event) => {
      dns = event;
      drawSoon();
    },
  },
  showFeedState,
);

// Ages grow without events.
setInterval(() => {
  drawSummary();
  services.tick();
}, 1000);

document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  showTab('services');
  services.focusSearch();
});
