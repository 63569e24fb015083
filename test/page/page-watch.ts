import type { Page } from 'playwright-core';

/** What a page did that it should not. */
export interface PageWatch {
  /** Requests to anywhere but the page's own origin. */
  readonly foreign: readonly string[];
  /** Errors and warnings of the console, breaches of the content security policy among them, and exceptions. */
  readonly complaints: readonly string[];
  readonly requests: readonly string[];
}

/** Notes from now on what the page asks for and complains about. `tolerated` are complaints that a test provokes. */
export function watchPage(page: Page, origin: string, tolerated: RegExp | null = null): PageWatch {
  const foreign: string[] = [];
  const complaints: string[] = [];
  const requests: string[] = [];
  const complain = (text: string): void => {
    if (tolerated?.test(text) !== true) complaints.push(text);
  };
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith('data:')) requests.push(url);
    if (!url.startsWith('data:') && new URL(url).origin !== origin) foreign.push(url);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  return { foreign, complaints, requests };
}
