/** How captured packets are led to this node: their mark's bit, the routing table, the preference of the rule that leads there. */
export interface CaptureNumbers {
  readonly captureBit: number;
  readonly routeTable: number;
  readonly rulePriority: number;
}

/**
 * What of others uses the bit that captured packets carry, or the table that they are routed by: in words, out of what
 * `ip rule show` and `iptables-save -t mangle` printed.
 */
export function findForeignUses(rules: string, mangle: string, own: CaptureNumbers): readonly string[] {
  return [...findRules(rules, own), ...findMarkTargets(mangle, own.captureBit)];
}

function findRules(rules: string, { captureBit, routeTable, rulePriority }: CaptureNumbers): readonly string[] {
  return rules.split('\n').flatMap((line) => {
    const [, priority = '', rest = ''] = /^(\d+):\s+(.*)$/.exec(line) ?? [];
    const [, mark = '0', mask = '0xffffffff'] = /\bfwmark (0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?/.exec(rest) ?? [];
    const table = /\blookup (\S+)/.exec(rest)?.[1] ?? '';
    if (Number(priority) === rulePriority && table === String(routeTable)) return [];
    if (table === String(routeTable)) return [`the routing rule "${rest.trim()}" leads to table ${routeTable} too`];
    // With a mask that leaves the bit out a rule neither asks for it nor minds it.
    const asks = rest.includes('fwmark') && hasBit(Number(mask), captureBit) && hasBit(Number(mark), captureBit);
    return asks ? [`the routing rule "${rest.trim()}" goes by bit ${captureBit} of the packet mark too`] : [];
  });
}

/** Rules that set the bit, or overwrite the whole mark with a value that has it. Clearing others' bits harms nobody. */
function findMarkTargets(mangle: string, captureBit: number): readonly string[] {
  const setters = mangle.split('\n').filter((line) => {
    const [, value = '0'] = /--set-x?mark (0x[0-9a-f]+|\d+)/.exec(line) ?? [];
    return line.startsWith('-A ') && hasBit(Number(value), captureBit);
  });
  const [first] = setters;
  if (first === undefined) return [];
  return [`${setters.length} rules of table mangle set bit ${captureBit} of the packet mark, such as "${first.slice(0, 120)}"`];
}

function hasBit(value: number, bit: number): boolean {
  return ((value >>> bit) & 1) === 1;
}
