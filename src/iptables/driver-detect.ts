import { families } from '../model/mod.ts';
import type { Family, Outcome } from '../model/mod.ts';
import { chooseVariant, countRules, hasHint, parseVersion } from './detect.ts';
import type { Choice, VariantEvidence } from './detect.ts';
import type { Shell } from './driver-shell.ts';
import { toolNames } from './tool-names.ts';
import type { ToolNames, Variant } from './tool-names.ts';

export interface DetectOptions {
  readonly shell: Shell;
  /** Put before every command, such as `ip netns exec <name>`. */
  readonly commandPrefix?: readonly string[];
  /** For each of the tools asked; 30 where not given. */
  readonly timeoutSeconds?: number;
}

export interface Detection extends Choice {
  /** The programs of each family. */
  readonly tools: Readonly<Record<Family, ToolNames>>;
}

/** Standard output of a command that succeeded, else null. */
type Ask = (...argv: readonly string[]) => Promise<string | null>;

/**
 * Finds out which variant of the tools this host uses. Reads only; a legacy table that does not exist yet
 * is not looked at, since looking would create it.
 */
export async function detectIptables({
  shell,
  commandPrefix = [],
  timeoutSeconds = 30,
}: DetectOptions): Promise<Outcome<Detection>> {
  const ask: Ask = async (...argv) => {
    const maxOutputBytes = 256 * 1024 * 1024;
    const result = await shell.run({ argv: [...commandPrefix, ...argv], input: null, timeoutSeconds, maxOutputBytes });
    return result.kind === 'exit' && result.status === 0 ? result.stdout : null;
  };
  const standardVersion = await ask('iptables', '-V');
  const standard = standardVersion === null ? null : parseVersion(standardVersion);
  const nft = await examine(ask, 'nft');
  const legacy = await examine(ask, 'legacy');
  const choice = chooseVariant({ variants: { nft, legacy }, standard });
  if (!choice.ok) return choice;
  const name = choice.value.plain ? 'plain' : choice.value.variant;
  const tools = { IPv4: toolNames('IPv4', name), IPv6: toolNames('IPv6', name) };
  return { ok: true, value: { ...choice.value, tools } };
}

async function examine(ask: Ask, variant: Variant): Promise<VariantEvidence | null> {
  const said = await ask(toolNames('IPv4', variant).restore, '--version');
  const version = said === null ? null : parseVersion(said)?.version;
  if (version === null || version === undefined) return null;
  let hinted = false;
  let rules = 0;
  for (const family of families) {
    const saved = await readRules(ask, family, variant);
    hinted ||= hasHint(saved);
    rules += countRules(saved);
  }
  return { version, hinted, rules };
}

async function readRules(ask: Ask, family: Family, variant: Variant): Promise<string> {
  const tool = toolNames(family, variant).save;
  if (variant === 'nft') return readRetrying(ask, tool);
  const existing = await ask('cat', `/proc/self/net/${family === 'IPv4' ? 'ip' : 'ip6'}_tables_names`);
  return existing === null || existing.trim() === '' ? '' : readRetrying(ask, tool);
}

/** The tool fails where an ipset vanishes while it reads; that must not look like a host without rules. */
async function readRetrying(ask: Ask, tool: string): Promise<string> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const saved = await ask(tool);
    if (saved !== null) return saved;
  }
  return '';
}
