import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LoadOptions, LoadResult } from './dns-load.ts';
import { loadCore } from './dns-process.ts';
import { readCpuTime } from './process-files.ts';
import type { Tool } from './dns-tools.ts';

const run = promisify(execFile);
/** As many clients and questions under way as our own load has. */
const habits = ['-c', '6', '-q', '192', '-t', '1', '-T', '1'];

/**
 * The same questions from dnsperf, which shares no code with what is measured. It asks one by one, with one system call for
 * each question and answer, so it may be what a fast server waits for: then the core is not busy, and batches are small.
 */
export async function loadWithDnsperf({ path, env }: Tool, { port, file, pid, seconds }: LoadOptions): Promise<LoadResult> {
  const args = ['-c', `${loadCore}`, path, '-s', '127.0.0.1', '-p', `${port}`, '-d', file, '-l', `${seconds}`, ...habits];
  const before = readCpuTime(pid);
  const began = performance.now();
  const { stdout } = await run('taskset', args, { env: { ...process.env, ...env } });
  const after = readCpuTime(pid);
  const figure = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  const [success, noName] = [figure(/NOERROR (\d+)/), figure(/NXDOMAIN (\d+)/)];
  const answered = figure(/Queries completed: +(\d+)/);
  if (answered === 0) throw new Error(`dnsperf says nothing of answers: ${stdout}`);
  return {
    seconds: figure(/Run time \(s\): +([\d.]+)/) || (performance.now() - began) / 1000,
    answered,
    lost: figure(/Queries lost: +(\d+)/),
    // It does not tell which of the successful ones have records.
    data: success,
    noName,
    refused: answered - success - noName,
    cpu: (after.all - before.all) / 1e9,
    cpuDns: (after.dns - before.dns) / 1e9,
    waited: (after.waited - before.waited) / 1e9,
    loadCpu: 0,
    p50: 0,
    p99: 0,
    p999: 0,
  };
}
