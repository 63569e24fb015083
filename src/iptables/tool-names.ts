import type { Family } from '../model/mod.ts';

/** The two sets of tools: they write to different places in the kernel. */
export type Variant = 'nft' | 'legacy';

/** The programs of one family. */
export interface ToolNames {
  readonly restore: string;
  readonly save: string;
}

/**
 * `iptables-nft-restore` and its like, which name their variant; `plain` gives `iptables-restore`, which
 * is whatever the host was set to.
 */
export function toolNames(family: Family, variant: Variant | 'plain'): ToolNames {
  const base = family === 'IPv4' ? 'iptables' : 'ip6tables';
  const name = variant === 'plain' ? base : `${base}-${variant}`;
  return { restore: `${name}-restore`, save: `${name}-save` };
}
