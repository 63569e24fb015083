import { isLoopback, parseAddress } from '../model/mod.ts';
import { plainReply } from './http-serve.ts';
import type { Question, Reply } from './http-serve.ts';

/** From where the status page can be looked at: the setting `statusPage`. */
export type PageAudience = 'loopback' | 'everywhere' | 'off';

export interface PageDoor {
  readonly audience: PageAudience;
  /** The host that is bound, as configured. */
  readonly host: string;
}

/** What is asked for: a document that a person may come to by a link, or data that only the page itself has a use for. */
export type VisitKind = 'document' | 'data';

/**
 * Why a visit to the status page is turned away, or null. A name that somebody else's DNS answers with this address (DNS
 * rebinding) would make that person's page one of this origin, so only names are taken that nobody else can give; data is
 * given to no other site's page. Pure.
 */
export function judgeVisit({ audience, host }: PageDoor, kind: VisitKind, question: Question): Reply | null {
  if (audience === 'off') return plainReply(404, 'the status page is switched off by the setting statusPage\n');
  const local = parseAddress(question.local.address);
  if (audience === 'loopback' && (local === null || !isLoopback(local))) {
    const reason = 'the status page is served on loopback addresses alone; the setting statusPage: everywhere changes that\n';
    return plainReply(404, reason);
  }
  const asked = question.header('host') ?? '';
  if (!isOwnName(hostOf(asked), host)) {
    return plainReply(
      403,
      'the status page is served under localhost, an IP address or the address it is bound to, no other name\n',
    );
  }
  if (kind === 'data' && comesFromElsewhere(question, asked)) {
    return plainReply(403, 'this is for the status page itself, and the request came from the page of another site\n');
  }
  return null;
}

function hostOf(header: string): string {
  const [, bracketed, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::[0-9]*)?$/.exec(header) ?? [];
  return (bracketed ?? name).toLowerCase();
}

function isOwnName(name: string, bound: string): boolean {
  return name !== '' && (name === 'localhost' || name === bound.toLowerCase() || parseAddress(name) !== null);
}

/** Browsers say with each request of a script where it comes from (Fetch standard, `Origin` and `Sec-Fetch-Site`). */
function comesFromElsewhere(question: Question, host: string): boolean {
  const site = question.header('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none') return true;
  const origin = question.header('origin');
  return origin !== null && origin.replace(/^https?:\/\//, '') !== host;
}
