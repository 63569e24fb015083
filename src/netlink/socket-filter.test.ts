import { expect, it } from 'vitest';
import { hostIsLittle } from './bytes.ts';
import { filterOthers } from './socket-filter.ts';

interface Instruction {
  readonly code: number;
  readonly onTrue: number;
  readonly onFalse: number;
  readonly value: number;
}

function read(program: Uint8Array): Instruction[] {
  const view = new DataView(program.buffer, program.byteOffset);
  return Array.from({ length: program.length / 8 }, (_, index) => ({
    code: view.getUint16(index * 8, hostIsLittle),
    onTrue: view.getUint8(index * 8 + 2),
    onFalse: view.getUint8(index * 8 + 3),
    value: view.getUint32(index * 8 + 4, hostIsLittle),
  }));
}

/** What the kernel does with such a program (net/core/filter.c), as far as it is used. */
function run(program: Uint8Array, packet: Uint8Array): number {
  const instructions = read(program);
  let loaded = 0;
  for (let at = 0; ; at += 1) {
    const { code, onTrue, onFalse, value } = instructions[at] ?? { code: 0, onTrue: 0, onFalse: 0, value: 0 };
    if (code === 0x20) loaded = new DataView(packet.buffer).getUint32(value);
    else if (code === 0x15) at += loaded === value ? onTrue : onFalse;
    else if (code === 0x06) return value;
    else throw new Error(`no instruction ${code} at ${at}`);
  }
}

function messageFrom(port: number): Uint8Array {
  const header = new Uint8Array(16);
  new DataView(header.buffer).setUint32(12, port, hostIsLittle);
  return header;
}

it.each([
  { senders: [], passes: [0, 1, 4711], dropped: [] },
  { senders: [4711], passes: [0, 4710, 0x67_12_00_00], dropped: [4711] },
  { senders: [1, 0xff_ff_f0_00, 7], passes: [2, 0xff_ff_f0_01], dropped: [1, 0xff_ff_f0_00, 7] },
])('what the sockets $senders did is dropped, and nothing else', ({ senders, passes, dropped }) => {
  const program = filterOthers(senders);
  expect(passes.map((port) => run(program, messageFrom(port)))).toEqual(passes.map(() => 0xff_ff_ff_ff));
  expect(dropped.map((port) => run(program, messageFrom(port)))).toEqual(dropped.map(() => 0));
});

it('leaves out what a program has no room for', () => {
  const many = Array.from({ length: 400 }, (_, index) => index + 1);
  const program = filterOthers(many);
  expect(run(program, messageFrom(250))).toBe(0);
  expect(run(program, messageFrom(1))).toBe(0);
  expect(run(program, messageFrom(251))).toBe(0xff_ff_ff_ff);
});
