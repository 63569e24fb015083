import type { Page, Reply } from '../observe/mod.ts';
import type { IngressStatus } from './start-ingress.ts';

/** `/ingress` of the debug address: what is published, the health of its back ends, and the pools of addresses. */
export function makeIngressPages(ingress: () => IngressStatus | null): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/ingress',
      () => {
        const status = ingress();
        return status === null
          ? json(404, { ok: false, error: 'ingress is off in this agent' })
          : json(200, { ok: true, ...status });
      },
    ],
  ]);
}

function json(status: number, value: unknown): Reply {
  const headers = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };
  // Numbers of addresses may be larger than what JSON's readers keep exactly.
  const body = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  return { status, headers, body };
}
