import type { CodeTexts } from './code-text.ts';
import { bug } from './code-text.ts';

/** Codes of the pages that the agent serves. */
export const observeCodes: CodeTexts = {
  WP_OBSERVE_BIND: [
    'warning',
    'the address of a page cannot be listened on; it is tried again',
    'end what listens there, or choose another address',
  ],
  WP_OBSERVE_HEALTH_CHECK_PORT: [
    'warning',
    'a health check node port cannot be listened on, so load balancers take this node for dead',
    'see who has the port: `ss -ltnp`',
  ],
  WP_OBSERVE_PAGE: ['warning', 'a page could not be made and was answered with status 500', bug],
  WP_OBSERVE_SERVER: ['warning', 'a server that listens met an error', 'look at the reason; it goes on listening'],
  WP_OBSERVE_SOCKET: [
    'warning',
    'the socket `agentSocket` cannot be served, so commands have to ask by address',
    'see to its folder and to who listens there already',
  ],
};
