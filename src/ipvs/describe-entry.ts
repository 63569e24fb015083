import { formatEndpoint, sideKey } from '../model/mod.ts';
import type { SideDecision, SideEntry } from '../model/mod.ts';

/** An entry of the side rules in words: its key, which names kind, address and port, and what it says where it says more. */
export function describeEntry(entry: SideEntry): string {
  const said = sayingOf(entry);
  return said === '' ? sideKey(entry) : `${sideKey(entry)}: ${said}`;
}

function sayingOf(entry: SideEntry): string {
  switch (entry.kind) {
    case 'decision':
      return decisionText(entry.decision);
    case 'sticky':
      return `${entry.timeoutSeconds} s, servers ${entry.servers.join(' ')}`;
    case 'loopback':
      return entry.targets.map(({ address, port }) => formatEndpoint(address, port)).join(' ') || 'reject';
    case 'lane':
      return entry.masquerade ? 'masquerade' : 'no masquerade';
    case 'rewrite':
      return `to port ${entry.to}${entry.direct ? ', which clients may use too' : ''}`;
    case 'clamp':
      return entry.size === null ? 'what the route takes' : `${entry.size} octets`;
    case 'peer':
      return entry.link ?? '';
    default:
      return '';
  }
}

function decisionText(decision: SideDecision): string {
  switch (decision.verdict) {
    case 'reject':
    case 'drop':
      return decision.verdict;
    case 'mark':
      return `mark ${decision.mark}`;
    case 'balance':
    case 'sticky': {
      const by = decision.verdict === 'balance' ? `server ${decision.server}` : `group ${decision.group}`;
      return `${decision.verdict}, ${by}${decision.masquerade ? ', masquerade' : ''}`;
    }
  }
}
