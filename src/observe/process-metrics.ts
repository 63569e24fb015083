import { readFileSync, readdirSync } from 'node:fs';
import type { Gauge, Registry } from './metrics.ts';

/** Adds the `process_*` metrics that dashboards expect of every process, read when they are scraped. */
export function addProcessMetrics(registry: Registry, startedAt: number): void {
  const cpu = registry.counter({ name: 'process_cpu_seconds_total', help: 'User and system CPU time spent, in seconds.' });
  const gauge = (name: string, help: string): Gauge => registry.gauge({ name, help });
  const resident = gauge('process_resident_memory_bytes', 'Resident memory, in bytes.');
  const start = gauge('process_start_time_seconds', 'Start of the process, in seconds since 1970.');
  const open = gauge('process_open_fds', 'Open file descriptors.');
  const most = gauge('process_max_fds', 'Most file descriptors the process may open.');
  const busy = registry.counter({
    name: 'waypost_event_loop_busy_seconds_total',
    help: 'Seconds in which the main thread worked and did not wait.',
  });
  start.set([], startedAt / 1000);
  let worked = 0;
  let counted = 0;
  registry.collect(() => {
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1e6;
    cpu.add([], Math.max(0, seconds - counted));
    counted = seconds;
    const active = performance.eventLoopUtilization().active / 1000;
    busy.add([], Math.max(0, active - worked));
    worked = active;
    resident.set([], process.memoryUsage.rss());
    open.set([], countDescriptors());
    most.set([], readDescriptorLimit());
  });
}

function countDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

function readDescriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return 0;
  }
}
