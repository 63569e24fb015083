import { fail, succeed } from '../model/mod.ts';
import type { Outcome } from '../model/mod.ts';
import type { Variant } from './tool-names.ts';

export type ToolVersion = readonly [major: number, minor: number, patch: number];

/** What one variant's tools say; rules and hints of both families together. */
export interface VariantEvidence {
  readonly version: ToolVersion;
  /** Chains by which kubelet or the wrappers mark the variant the host uses. */
  readonly hinted: boolean;
  readonly rules: number;
}

export interface Evidence {
  readonly variants: Readonly<Record<Variant, VariantEvidence | null>>;
  /** What plain `iptables -V` says; null where there is none. */
  readonly standard: { readonly variant: Variant; readonly version: ToolVersion } | null;
}

export interface Choice {
  readonly variant: Variant;
  readonly version: ToolVersion;
  /** The programs without a variant in their name are to be used. */
  readonly plain: boolean;
  /** One phrase for the log. */
  readonly reason: string;
}

/** The first release with `iptables-restore --wait` and with `MASQUERADE --random-fully`. */
const oldestVersion: ToolVersion = [1, 6, 2];

/**
 * The variant the rest of the host uses: where kubelet's marks are, else where more rules are, else what
 * plain `iptables` stands for. Rules of the other variant would be evaluated as well, in an order nobody
 * chose.
 */
export function chooseVariant({ variants, standard }: Evidence): Outcome<Choice> {
  const present = (['nft', 'legacy'] as const).filter((variant) => variants[variant] !== null || standard?.variant === variant);
  if (present.length === 0) {
    return fail(
      'WP_IPTABLES_TOOL_MISSING',
      'neither iptables-nft-restore, iptables-legacy-restore nor iptables is installed: iptables mode cannot write any rule',
    );
  }
  const [variant, reason] = prefer(variants, standard?.variant ?? null);
  const chosen = variants[variant] ?? standard;
  if (chosen === null) return fail('WP_IPTABLES_TOOL_MISSING', `the ${variant} variant of iptables is in use but not installed`);
  const { version } = chosen;
  if (isOlder(version, oldestVersion)) {
    const found = version.join('.');
    return fail(
      'WP_IPTABLES_TOOL_MISSING',
      `iptables ${found} is too old: before ${oldestVersion.join('.')} iptables-restore cannot wait for the xtables lock, so no rule can be written safely`,
    );
  }
  const plain = variants[variant] === null;
  return succeed({ variant, version, plain, reason });
}

function prefer(variants: Evidence['variants'], standard: Variant | null): readonly [Variant, string] {
  for (const variant of ['nft', 'legacy'] as const) {
    if (variants[variant]?.hinted === true) return [variant, "kubelet's chains are there"];
  }
  const nft = variants.nft?.rules ?? 0;
  const legacy = variants.legacy?.rules ?? 0;
  if (nft !== legacy)
    return nft > legacy ? ['nft', `${nft} rules against ${legacy}`] : ['legacy', `${legacy} rules against ${nft}`];
  if (standard !== null) return [standard, 'the standard of this host'];
  return variants.nft !== null ? ['nft', 'the only one installed, or both are unused'] : ['legacy', 'the only one installed'];
}

/** True if kubelet's or the wrappers' chains are in the output of `iptables-save`. */
export function hasHint(saved: string): boolean {
  return /^:(?:KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m.test(saved);
}

/** How many rules `iptables-save` printed. */
export function countRules(saved: string): number {
  return saved.match(/^-A /gm)?.length ?? 0;
}

/** Reads `iptables v1.8.9 (nf_tables)`; releases before 1.8 name no variant and are legacy. */
export function parseVersion(text: string): { readonly variant: Variant; readonly version: ToolVersion } | null {
  const parts = /\bv(\d+)\.(\d+)(?:\.(\d+))?(?:\s+\((nf_tables|legacy)\))?/.exec(text);
  if (parts === null) return null;
  const version: ToolVersion = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
  return { variant: parts[4] === 'nf_tables' ? 'nft' : 'legacy', version };
}

function isOlder(version: ToolVersion, than: ToolVersion): boolean {
  for (const [index, part] of version.entries()) {
    const other = than[index] ?? 0;
    if (part !== other) return part < other;
  }
  return false;
}
