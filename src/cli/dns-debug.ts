import { jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { DnsHandle } from './start-dns.ts';

/**
 * Pages of the debug address about the resolver: `/dns/lookup?name=NAME&type=TYPE` explains an answer, a POST to
 * `/dns/log?on=true` switches the query log.
 */
export function makeDnsDebugPages(dns: () => Pick<DnsHandle, 'lookup' | 'logQueries'> | null): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/dns/lookup',
      async ({ query }) => {
        const handle = dns();
        return handle === null
          ? jsonReply(404, { ok: false, error: 'this agent answers no DNS' })
          : jsonReply(200, await handle.lookup(query));
      },
    ],
    [
      '/dns/log',
      ({ method, query }) => {
        const handle = dns();
        if (handle === null) return jsonReply(404, { ok: false, error: 'this agent answers no DNS' });
        const on = query.get('on');
        if (method !== 'POST') return jsonReply(405, { ok: false, error: 'only POST switches the query log' });
        if (on !== 'true' && on !== 'false')
          return jsonReply(400, { ok: false, error: `on must be true or false, not "${on ?? ''}"` });
        handle.logQueries(on === 'true');
        return jsonReply(200, { ok: true, on: on === 'true' });
      },
    ],
  ]);
}
