import type { Family } from '../model/mod.ts';
import { walkAttributes, writeAttribute } from './attributes.ts';
import { readU32 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import { familyNumbers } from './ip-family.ts';
import type { Message } from './message.ts';
import type { RoutingRule } from './route-port.ts';

/** `RTM_*RULE` (uapi/linux/rtnetlink.h). */
export const ruleTypes = { new: 32, delete: 33, get: 34 } as const;

/** `FRA_*` (uapi/linux/fib_rules.h). */
const attribute = {
  priority: 6,
  mark: 10,
  suppressGroup: 13,
  suppressLength: 14,
  table: 15,
  mask: 16,
  padding: 18,
  masterDevice: 19,
  protocol: 21,
} as const;

/** `FR_ACT_TO_TBL`: look into a table. */
const lookup = 1;
/** Flags that say nothing of what a rule matches: `FIB_RULE_PERMANENT`. */
const harmlessFlags = 0x1;
const none = 0xff_ff_ff_ff;

const headerLength = 12;
const compatTable = 252;

/** The payload that asks for the rules of a family. */
export function writeRuleQuery(writer: ByteWriter, family: Family): void {
  writer.u8(familyNumbers[family]);
  writer.bytes(new Uint8Array(headerLength - 1));
}

/** The payload that adds a rule, and the one that removes it. Throws for a rule that says what is not known here. */
export function writeRule(writer: ByteWriter, family: Family, rule: RoutingRule): void {
  const { priority, mark, table, protocol, further } = rule;
  if (further) throw new RangeError('a rule that says more than is known of it cannot be written');
  writer.u8(familyNumbers[family]);
  writer.u8(0);
  writer.u8(0);
  writer.u8(0);
  writer.u8(table <= 0xff ? table : compatTable);
  writer.u8(0);
  writer.u8(0);
  writer.u8(lookup);
  writer.u32(0);
  writeAttribute(writer, attribute.priority, () => writer.u32(priority));
  writeAttribute(writer, attribute.table, () => writer.u32(table));
  writeAttribute(writer, attribute.protocol, () => writer.u8(protocol));
  if (mark === null) return;
  writeAttribute(writer, attribute.mark, () => writer.u32(mark.value));
  writeAttribute(writer, attribute.mask, () => writer.u32(mark.mask));
}

/** The rule that a message of type `ruleTypes.new` describes; null where it is none of the family. */
export function readRule(view: DataView, { start, end }: Message, family: Family): RoutingRule | null {
  if (end - start < headerLength || view.getUint8(start) !== familyNumbers[family]) return null;
  // Lengths of source and destination, type of service, action.
  const header = [1, 2, 3].some((at) => view.getUint8(start + at) !== 0) || view.getUint8(start + 7) !== lookup;
  const found = {
    further: header || (readU32(view, start + 8) & ~harmlessFlags) !== 0,
    priority: 0,
    table: view.getUint8(start + 4),
    protocol: 0,
    value: 0,
    mask: 0,
  };
  const whole = walkAttributes(view, start + headerLength, end, (type, from, to) => {
    const number = to - from >= 4 ? readU32(view, from) : null;
    if (type === attribute.protocol && to > from) found.protocol = view.getUint8(from);
    else if (type === attribute.padding) return;
    else if (type === attribute.masterDevice && to - from === 1) found.further ||= view.getUint8(from) !== 0;
    else if (number === null) found.further = true;
    else if (type === attribute.priority) found.priority = number;
    else if (type === attribute.table) found.table = number;
    else if (type === attribute.mark) found.value = number;
    else if (type === attribute.mask) found.mask = number;
    else if (type === attribute.suppressGroup || type === attribute.suppressLength) found.further ||= number !== none;
    else found.further = true;
  });
  const { priority, table, protocol, value, mask } = found;
  const mark = value === 0 && mask === 0 ? null : { value, mask };
  return { priority, mark, table, protocol, further: found.further || !whole };
}
