import { jsonReply } from '../observe/mod.ts';
import type { Page } from '../observe/mod.ts';
import type { IngressStatus } from './start-ingress.ts';

/** `/ingress` of the debug address: what is published, the health of its back ends, and the pools of addresses. */
export function makeIngressPages(ingress: () => IngressStatus | null): ReadonlyMap<string, Page> {
  return new Map<string, Page>([
    [
      '/ingress',
      () => {
        const status = ingress();
        return status === null
          ? jsonReply(404, { ok: false, error: 'ingress is off in this agent' })
          : jsonReply(200, { ok: true, ...status });
      },
    ],
  ]);
}
