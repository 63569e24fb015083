import { parsePrefix } from '../model/mod.ts';
import type { Address, Family, Problem } from '../model/mod.ts';
import type { Statement } from './expression.ts';
import { planChains } from './plane-chains.ts';
import { clientsSet, planeSets, planeTable } from './plane-sets.ts';
import { clientsSetsOf, planStickyRules } from './plane-sticky.ts';
import type { StickyPool } from './plane-sticky.ts';
import type { NftPort } from './port.ts';
import { addChain, addRules, plainChain } from './side-context.ts';
import type { Command } from './transaction.ts';

/**
 * Whether the kernel, and the tool where there is one, take everything that nftables mode writes: a table with all of it is
 * made and deleted in one transaction, which leaves nothing and which no packet meets. Null: they do. What is missing is
 * found out by trying, since distributions carry parts of newer kernels into older ones and leave others out.
 * Code: `WP_NFT_NO_KERNEL`, or why nobody could be asked.
 */
export async function probeNftables(port: NftPort, family: Family): Promise<Problem | null> {
  const table = { ...planeTable(family), name: 'waypost_probe' };
  const commands = planProbe(family);
  const { problem } = await port.apply({ table, commands });
  if (problem === null || problem.command === null) return problem;
  const command = commands[problem.command];
  const part = command?.kind === 'add-rule' ? namePart(command.rule.statements, family) : '';
  const message = `the kernel lacks a part that mode nftables needs${part}: ${problem.message}`;
  return problem.code === 'WP_NFT_DENIED' ? problem : { code: 'WP_NFT_NO_KERNEL', message, cause: problem };
}

function planProbe(family: Family): readonly Command[] {
  const range = parsePrefix(family === 'IPv4' ? '192.0.2.0/24' : '2001:db8::/32');
  const settings = {
    podTraffic: range === null ? ({ kind: 'none' } as const) : ({ kind: 'source', prefix: range } as const),
    nodePorts: { kind: 'all-local', loopback: false } as const,
    masqueradeBit: 14,
    nodeAddress: null,
  };
  const chains = planChains({ family, settings, serviceCidrs: range === null ? [] : [range], strays: 'drop' });
  const address = (family === 'IPv4' ? '192.0.2.1' : '2001:db8::1') as Address;
  const sticky: StickyPool = {
    chain: 'sticky',
    servicePort: 'probe',
    protocol: 'TCP',
    timeoutSeconds: 1,
    targets: [
      { address, port: 1 },
      { address, port: 2 },
    ],
  };
  const remembering = plainChain(sticky.chain, planStickyRules(family, sticky));
  return [
    { kind: 'add-table' },
    ...[...planeSets(family).values()].map((set): Command => ({ kind: 'add-set', set })),
    ...clientsSetsOf(sticky).map((name): Command => ({ kind: 'add-set', set: clientsSet(family, name) })),
    ...[...chains, remembering].map(addChain),
    ...[...chains.filter(isUnlikeOthers), remembering].flatMap(addRules),
    { kind: 'delete-table' },
  ];
}

/** Draws are the same rules over and over. */
function isUnlikeOthers({ name }: { readonly name: string }): boolean {
  return !name.startsWith('draw_') || /^draw_service_(?:tcp|udp|sctp)(?:_16)?$/.test(name);
}

/** The modules that a rule needs besides nf_tables itself. */
function namePart(statements: readonly Statement[], family: Family): string {
  const digit = family === 'IPv4' ? '4' : '6';
  const modules = statements.flatMap((statement): readonly string[] => {
    switch (statement.kind) {
      case 'dnat':
        return ['nft_nat', ...('map' in statement.to ? ['nft_numgen'] : [])];
      case 'masquerade':
        return ['nft_masq'];
      case 'reject':
        return [`nft_reject_ipv${digit}`];
      case 'match':
        if (statement.field === 'fib daddr type') return [`nft_fib_ipv${digit}`];
        return statement.field.startsWith('ct ') ? ['nft_ct'] : [];
      default:
        return [];
    }
  });
  return modules.length === 0 ? '' : ` (modules ${[...new Set(modules)].join(', ')})`;
}
