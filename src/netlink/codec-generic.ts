import { walkAttributes, writeAttribute } from './attributes.ts';
import { readU16 } from './bytes.ts';
import type { ByteWriter } from './bytes.ts';
import type { Message } from './message.ts';

/** `GENL_ID_CTRL`: the one family of generic netlink whose number is fixed. */
export const controllerFamily = 0x10;

/** Bytes of `struct genlmsghdr`; attributes begin behind it. */
export const genericHeaderLength = 4;

/** `CTRL_CMD_GETFAMILY` and `CTRL_ATTR_*` (uapi/linux/genetlink.h). */
const getFamily = 3;
const controllerVersion = 1;
const controllerAttribute = { familyId: 1, familyName: 2 } as const;

/** Writes `struct genlmsghdr`: the command and version of the family that the message is for. */
export function writeGenericHeader(writer: ByteWriter, command: number, version: number): void {
  writer.u8(command);
  writer.u8(version);
  writer.u16(0);
}

/** The payload that asks the controller for a family by name. The kernel loads the family's module to answer. */
export function writeFamilyQuery(writer: ByteWriter, name: string): void {
  writeGenericHeader(writer, getFamily, controllerVersion);
  writeAttribute(writer, controllerAttribute.familyName, () => writer.bytes(new TextEncoder().encode(`${name}\0`)));
}

/** The number of the family in the controller's answer, or null where it holds none. */
export function readFamilyId(view: DataView, { start, end }: Message): number | null {
  let id: number | null = null;
  walkAttributes(view, start + genericHeaderLength, end, (type, from, to) => {
    if (type === controllerAttribute.familyId && to - from >= 2) id = readU16(view, from);
  });
  return id;
}
