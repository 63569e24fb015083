import { fail, succeed } from '../../src/model/mod.ts';
import type { Outcome } from '../../src/model/mod.ts';

/** On which agent's node a block runs: named by mode. */
export type NodeMode = 'iptables' | 'nftables';

/** What the mark of a block asks for. */
export type Mark =
  | {
      readonly where: 'node';
      readonly mode: NodeMode;
      /** Words of the block that stand for something, and what to put in their place. */
      readonly words: ReadonlyMap<string, string>;
      /** The exit code of its last command. */
      readonly code: number;
      /** The lines below its commands are printed, but for numbers and for what `...` stands for. */
      readonly shown: boolean;
    }
  | { readonly where: 'nowhere'; readonly reason: string };

/**
 * Reads a mark: `node`, with `shown`, `mode=nftables`, `code=1` and `WORD=VALUE` behind it where needed, or `nowhere:` and the
 * reason. Fails with `WP_DOCS_MARK`.
 */
export function readMark(text: string): Outcome<Mark> {
  const reason = /^nowhere:\s*(.+)$/.exec(text)?.[1];
  if (reason !== undefined) return succeed({ where: 'nowhere', reason });
  const [where, ...settings] = text.split(/\s+/);
  if (where !== 'node') return fail('WP_DOCS_MARK', `"${text}" is neither "node ..." nor "nowhere: REASON"`);
  const words = new Map<string, string>();
  let mode: NodeMode = 'iptables';
  let code = 0;
  let shown = false;
  for (const setting of settings) {
    const [, name = '', value = ''] = /^(\w+)=(\S+)$/.exec(setting) ?? [];
    if (setting === 'shown') shown = true;
    else if (name === 'mode' && (value === 'iptables' || value === 'nftables')) mode = value;
    else if (name === 'code' && /^\d+$/.test(value)) code = Number(value);
    else if (/^[A-Z_]+$/.test(name)) words.set(name, value);
    else return fail('WP_DOCS_MARK', `"${setting}" is none of shown, mode=iptables|nftables, code=NUMBER and WORD=VALUE`);
  }
  return succeed({ where: 'node', mode, words, code, shown });
}

/** The script with the words of the mark replaced. */
export function fillWords(script: string, words: ReadonlyMap<string, string>): string {
  return [...words].reduce((text, [word, value]) => text.replaceAll(new RegExp(String.raw`\b${word}\b`, 'g'), value), script);
}
