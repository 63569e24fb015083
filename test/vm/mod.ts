/**
 * The virtual machine: the distribution's own kernel in qemu, for what the kernel this runs on does not have
 * (`ip_vs` above all). It sees this machine's file system, and what it writes is forgotten.
 */
export { kernelModule } from './host-kernel.ts';
export { prepareVm } from './prepare.ts';
export type { Machine } from './prepare.ts';
export { startVm } from './start.ts';
export type { CommandEnd, Vm } from './vm.ts';
