/** One instruction; jumps count instructions to skip. */
type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/**
 * Runs a classic BPF program in the form of `-m bpf --bytecode` on a packet that begins at its IP header.
 * The value is what the program returns (0 is no match); null if it uses an instruction not known here.
 * A load beyond the packet ends the program with 0, as in the kernel.
 */
export function runBpf(bytecode: string, packet: Uint8Array): number | null {
  const program = bytecode
    .split(',')
    .slice(1)
    .map((one) => one.split(' ').map(Number) as unknown as Instruction);
  const registers = { a: 0, x: 0 };
  for (let at = 0; at < program.length; at += 1) {
    const instruction = program[at];
    if (instruction === undefined) return null;
    const [code, , , k] = instruction;
    if (code === 0x06) return k;
    if (code === 0x16) return registers.a;
    const skip = jump(instruction, registers);
    if (skip !== null) {
      at += skip;
      continue;
    }
    const loaded = load(code, k, packet);
    if (loaded === 'outside') return 0;
    const value = loaded ?? compute(code, k, registers);
    if (value === null) return null;
    if (code === 0x07 || code === 0x01) registers.x = value;
    else registers.a = value;
  }
  return null;
}

/** `ld`: bytes at a fixed offset, big endian, 4, 2 or 1 of them. */
function load(code: number, k: number, packet: Uint8Array): number | 'outside' | null {
  const size = code === 0x20 ? 4 : code === 0x28 ? 2 : code === 0x30 ? 1 : 0;
  if (size === 0) return null;
  if (k + size > packet.length) return 'outside';
  let value = 0;
  for (const byte of packet.subarray(k, k + size)) value = value * 256 + byte;
  return value;
}

/** How many instructions to skip, or null for one that is no jump. */
function jump([code, jumpTrue, jumpFalse, k]: Instruction, { a, x }: { a: number; x: number }): number | null {
  if (code === 0x05) return k;
  const operand = (code & 0x08) === 0 ? k : x;
  switch (code & ~0x08) {
    case 0x15:
      return a === operand ? jumpTrue : jumpFalse;
    case 0x25:
      return a > operand ? jumpTrue : jumpFalse;
    case 0x35:
      return a >= operand ? jumpTrue : jumpFalse;
    case 0x45:
      return (a & operand) === 0 ? jumpFalse : jumpTrue;
    default:
      return null;
  }
}

/** The new value of A, or of X for `tax` and `ldx #k`; null for an instruction not known here. */
function compute(code: number, k: number, { a, x }: { a: number; x: number }): number | null {
  const operand = (code & 0x08) === 0 ? k : x;
  switch (code) {
    case 0x00:
    case 0x01:
      return k;
    case 0x07:
      return a;
    case 0x87:
      return x;
    case 0x04:
    case 0x0c:
      return (a + operand) >>> 0;
    case 0x14:
    case 0x1c:
      return (a - operand) >>> 0;
    case 0x44:
    case 0x4c:
      return (a | operand) >>> 0;
    case 0x54:
    case 0x5c:
      return (a & operand) >>> 0;
    case 0x64:
      return k < 32 ? (a << k) >>> 0 : 0;
    case 0x74:
      return k < 32 ? a >>> k : 0;
    default:
      return null;
  }
}
