/** Data planes an item is about: iptables (t), ipvs (v), nftables (n). */
export type Mode = 't' | 'v' | 'n';

export interface ChecklistItem {
  readonly number: number;
  /** Letter and name of its group. */
  readonly group: string;
  readonly modes: readonly Mode[];
  /** What it asks for, in a few words. */
  readonly words: string;
}

/** The acceptance checklist of one specification in short, and the page that says what proves it. */
export interface Checklist {
  /** What titles of tests name it by: `SP` in `[SP-12]`. */
  readonly code: string;
  /** As it stands in the heading of its page. */
  readonly name: string;
  /** The file, from the root of the repository. */
  readonly page: string;
  /** Lines of the page between the numbers and the first table. */
  readonly intro: readonly string[];
  readonly items: readonly ChecklistItem[];
  readonly remarks: readonly Remark[];
}

/** What has to be known of an item besides the tests that name it, written by hand. */
export interface Remark {
  readonly item: number;
  /**
   * `unproven`: there is no test, and why. `partly`: the tests show a part. `deviation`: the product differs on
   * purpose. `elsewhere`: tests of other items show it too.
   */
  readonly kind: 'unproven' | 'partly' | 'deviation' | 'elsewhere';
  readonly text: string;
  /** Items that show what the text says, of any checklist: `IPVS-42`. */
  readonly see: readonly string[];
  /** The test file that has to run what `see` names, where it matters which. */
  readonly runBy: string | null;
}

/** Reads lines of `number [modes] words` under `# group` lines; without modes it is about all. Throws on any other line. */
export function readChecklist(lines: string): readonly ChecklistItem[] {
  let group = '';
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      if (line.startsWith('# ')) {
        group = line.slice(2);
        return [];
      }
      const [, number, modes, words] = /^(\d+) (?:([tvn]+) )?(.+)$/.exec(line) ?? [];
      if (number === undefined || words === undefined) throw new SyntaxError(`not an item: ${line}`);
      return [{ number: Number(number), group, modes: [...(modes ?? 'tvn')] as Mode[], words }];
    });
}
