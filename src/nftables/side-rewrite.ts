import type { Protocol } from '../model/mod.ts';
import { inSet, match } from './expression.ts';
import type { RewriteStatement, Source, Statement } from './expression.ts';
import { accept, filterChain, goto, plainChain, portUnreachable } from './side-context.ts';
import type { SideChain, SideContext } from './side-context.ts';
import { clampChainName } from './side-sets.ts';

type End = 'sport' | 'dport';

/**
 * Ports that are rewritten: `rewrite` gives packets of clients the new port, before anything tracks or balances them, and
 * refuses whoever asks for that port itself; `restore` gives answers the old one back when all else is done, behind the
 * hooks where the balancer answers (INPUT 98, FORWARD 99, OUTPUT -99). Neither finds fragments but the first, which carries
 * the ports, so a kernel that puts fragments together (-400, with connection tracking) is counted on.
 */
export function planRewrite(context: SideContext): readonly SideChain[] {
  const { fields } = context;
  return [
    plainChain('rewrite', [
      ...planPorts(context, 'dport'),
      [{ kind: 'vmap', key: ['l4proto'], map: 'rewrite_protocols' }],
      // Not with a reset: that would leave from the old port, like any answer of that address and port.
      [inSet(fields.destination, 'hidden_ports'), portUnreachable],
    ]),
    plainChain('restore', [...planPorts(context, 'sport'), [{ kind: 'vmap', key: ['l4proto'], map: 'restore_protocols' }]]),
    // Answers to the node's own processes, behind the balancer.
    filterChain('restore_input', 'input', 105, [[goto('restore')]]),
  ];
}

/** In chains that are there only where they are used, since a kernel may refuse them (see `RewriteStatement`). */
export function planSctpRewrite(context: SideContext, end: End): readonly (readonly Statement[])[] {
  return [[rewritePort(context, 'SCTP', end), accept]];
}

/** At the end of a packet's way: announces smaller segments where an entry says so. */
export function planClamp({ fields }: SideContext): SideChain['rules'] {
  const isSyn = match('tcp flags', { mask: 0x02, equals: 0x02 });
  return [[isSyn, { kind: 'vmap', key: [fields.saddr], map: 'clamps' }]];
}

/** `size` null: what the route takes. */
export function planClampChain(size: number | null): SideChain {
  return plainChain(clampChainName(size), [[{ kind: 'clamp', size: size ?? 'route' }]]);
}

function planPorts(context: SideContext, end: End): readonly (readonly Statement[])[] {
  const udp = rewritePort(context, 'UDP', end);
  // The kernel would put the difference of the ports in the place of a checksum that IPv4 allows to leave out (RFC 768).
  const withoutChecksum: readonly Statement[] = [
    match('udp checksum', 0),
    udp,
    { kind: 'rewrite', field: 'udp checksum', to: 0 },
    accept,
  ];
  return [[rewritePort(context, 'TCP', end), accept], ...(context.family === 'IPv4' ? [withoutChecksum] : []), [udp, accept]];
}

function rewritePort({ fields }: SideContext, protocol: Protocol, end: End): RewriteStatement {
  const key: readonly Source[] = end === 'dport' ? fields.destination : [fields.saddr, 'l4proto', 'sport'];
  const field = `${protocol.toLowerCase() as Lowercase<Protocol>} ${end}` as const;
  return { kind: 'rewrite', field, to: { key, map: end === 'dport' ? 'rewrites' : 'answers' } };
}
