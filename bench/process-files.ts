import { readFileSync, readdirSync } from 'node:fs';

/** Nanoseconds of CPU time. */
export interface CpuTime {
  readonly all: number;
  /** Of threads named `dns`: those of Waypost that answer. */
  readonly dns: number;
  /** Of processes that have ended. Of these the kernel keeps ticks only, which are right on average where there are many. */
  readonly ended: number;
  /** Nanoseconds that threads were ready to run and had to wait for the core. */
  readonly waited: number;
}

/** USER_HZ is 100 on every platform that Linux runs on here. */
const tickNanoseconds = 1e7;

/** What a process and those that it started have used until now, from the scheduler's own books; NaN where the kernel keeps none. */
export function readCpuTime(pid: number): CpuTime {
  if (readText('/proc/self/schedstat') === '') return { all: Number.NaN, dns: Number.NaN, ended: Number.NaN, waited: Number.NaN };
  const time = { all: 0, dns: 0, ended: 0, waited: 0 };
  for (const one of listFamily(pid)) {
    for (const task of listTasks(one)) {
      const [used = 0, wait = 0] = readText(`/proc/${one}/task/${task}/schedstat`).split(' ').map(Number);
      time.all += used;
      time.waited += wait;
      if (readText(`/proc/${one}/task/${task}/comm`).trim() === 'dns') time.dns += used;
    }
    // cutime and cstime, fields 16 and 17 of proc(5).
    const [user = 0, system = 0] = (readText(`/proc/${one}/stat`).split(') ').at(-1)?.split(' ') ?? []).slice(13, 15).map(Number);
    time.ended += (user + system) * tickNanoseconds;
  }
  return time;
}

function listFamily(pid: number): readonly number[] {
  const children = listTasks(pid).flatMap((task) =>
    readText(`/proc/${pid}/task/${task}/children`).trim().split(' ').filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(listFamily)];
}

/** None of a process that ended meanwhile. */
function listTasks(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Empty for a thread or a process that ended meanwhile. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
