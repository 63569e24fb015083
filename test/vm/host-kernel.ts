import { existsSync } from 'node:fs';
import { runTool } from './run-tool.ts';

/**
 * Whether the kernel this runs on has a module, in use or not. Loads nothing: what is not in use is looked up in
 * the modules that modprobe knows, which also lists those that are part of the kernel image.
 */
export async function kernelModule(name: string): Promise<boolean> {
  if (existsSync(`/sys/module/${name}`)) return true;
  const found = await runTool('modprobe', ['--dry-run', '--quiet', name]);
  return found.ok;
}
