/** Type of the program header that names the dynamic loader (elf(5)). */
const interpreterType = 3;

/** Whether a 64-bit little-endian ELF program runs without a dynamic loader, so without libraries. */
export function isStaticProgram(program: Buffer): boolean {
  if (program.toString('latin1', 0, 6) !== '\u007fELF\u0002\u0001') return false;
  const offset = Number(program.readBigUInt64LE(32));
  const size = program.readUInt16LE(54);
  const count = program.readUInt16LE(56);
  const types = Array.from({ length: count }, (_, index) => program.readUInt32LE(offset + index * size));
  return !types.includes(interpreterType);
}
