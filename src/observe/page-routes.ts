import type { Problem } from '../model/mod.ts';
import type { Page } from './debug-server.ts';
import { listPageFiles } from './driver-page-files.ts';
import type { PageFile } from './driver-page-files.ts';
import type { Reply } from './http-serve.ts';
import { LiveFeed } from './live-feed.ts';
import type { LiveFeedOptions } from './live-feed.ts';
import { judgeVisit } from './page-guard.ts';
import type { PageDoor, VisitKind } from './page-guard.ts';

export interface PageRoutesOptions extends PageDoor {
  readonly feed: LiveFeedOptions;
  /** Answers the form of the page, whatever the method. */
  readonly trace: Page;
  readonly report: (problem: Problem) => void;
}

/** Nothing from elsewhere, nothing inline, nobody's frame (CSP Level 3). */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The status page by path: `/` leads to `/ui/`, and below that are its files, its events and its trace. */
export function makePageRoutes({ feed: feedOptions, trace, report, ...door }: PageRoutesOptions): ReadonlyMap<string, Page> {
  const feed = new LiveFeed(feedOptions);
  const guarded = (kind: VisitKind, page: Page): Page => {
    return (question) => judgeVisit(door, kind, question) ?? page(question);
  };
  const toPage = guarded('document', () => ({ status: 302, headers: { Location: 'ui/' }, body: '' }));
  const pages = new Map<string, Page>([
    ['/', toPage],
    ['/ui', toPage],
    ['/ui/events', guarded('data', ({ method }) => (method === 'GET' ? feed.open() : notAllowed('GET')))],
    ['/ui/trace', guarded('data', (question) => (question.method === 'POST' ? trace(question) : notAllowed('POST')))],
  ]);
  for (const file of findFiles(report)) {
    const path = file.path === 'index.html' ? '/ui/' : `/ui/${file.path}`;
    pages.set(
      path,
      guarded('document', () => fileReply(file)),
    );
  }
  return pages;
}

/** An agent whose page is not there programs the kernel all the same. */
function findFiles(report: (problem: Problem) => void): readonly PageFile[] {
  try {
    return listPageFiles();
  } catch (cause) {
    report({ code: 'WP_OBSERVE_PAGE', message: `the files of the status page cannot be read: ${String(cause)}`, cause });
    return [];
  }
}

function fileReply({ type, text }: PageFile): Reply {
  const headers = {
    'Content-Type': type,
    'Content-Security-Policy': contentSecurityPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    // Another agent may be behind the same forwarded port tomorrow.
    'Cache-Control': 'no-store',
  };
  return { status: 200, headers, body: text() };
}

function notAllowed(method: string): Reply {
  const body = `this is asked for with ${method}\n`;
  return { status: 405, headers: { 'Content-Type': 'text/plain; charset=utf-8', Allow: method }, body };
}
