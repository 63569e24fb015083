import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Machine } from './prepare.ts';
import type { Acceleration } from './qemu-arguments.ts';
import { bootVm } from './vm.ts';
import type { Vm } from './vm.ts';

export interface VmOptions {
  /** Default 2. */
  readonly processors?: number;
  /** Default 4096. Taken from the host as it is used. */
  readonly memoryMib?: number;
  /** Ends the guest, or its boot, when it aborts. */
  readonly signal?: AbortSignal;
}

/** Milliseconds until the guest answers: a second with hardware acceleration, four without; more on a busy machine. */
const bootLimits: Readonly<Record<Acceleration, number>> = { kvm: 15_000, tcg: 120_000 };

/**
 * Boots a guest. It ends with `close`, and in every case with this process. Rejects with the end of the guest's
 * console where it does not come up.
 *
 * A /dev/kvm that is there may still hang a distribution's kernel (where it is a paravirtual one), so it is tried
 * once, and what came of it is remembered beside the kernel.
 */
export async function startVm(machine: Machine, options: VmOptions = {}): Promise<Vm> {
  const boot = (acceleration: Acceleration): Promise<Vm> =>
    bootVm(machine, {
      acceleration,
      processors: options.processors ?? 2,
      memoryMib: options.memoryMib ?? 4096,
      bootLimitMs: bootLimits[acceleration],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  if (!mayUseKvm(machine)) return boot('tcg');
  try {
    return await boot('kvm');
  } catch (error) {
    if (options.signal?.aborted) throw error;
    rememberThatKvmFails(machine);
    return boot('tcg');
  }
}

function noteOf(machine: Machine): string {
  return join(machine.cache, 'kvm-fails-on');
}

function mayUseKvm(machine: Machine): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  try {
    return readFileSync(noteOf(machine), 'utf8') !== release();
  } catch {
    return true;
  }
}

/** For the kernel that runs here: on another one, or another machine, it may work. */
function rememberThatKvmFails(machine: Machine): void {
  writeFileSync(noteOf(machine), release());
}
