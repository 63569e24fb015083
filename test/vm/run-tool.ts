import { execFile } from 'node:child_process';

/** What a tool printed, or why it failed, in one line. */
export type ToolEnd = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly reason: string };

/** Milliseconds; a package of 70 MB comes over a slow line. */
const timeLimit = 10 * 60_000;

/** Runs a tool to its end in the language that its messages are read in. Never rejects. */
export function runTool(command: string, args: readonly string[], cwd?: string): Promise<ToolEnd> {
  return new Promise((resolve) => {
    const options = { timeout: timeLimit, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } };
    execFile(command, args, cwd === undefined ? options : { ...options, cwd }, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true, output: stdout });
      if (error.code === 'ENOENT') return resolve({ ok: false, reason: `the command ${command} is missing` });
      const lines = stderr.trim().split('\n').filter(Boolean);
      resolve({ ok: false, reason: `${command} ${args[0] ?? ''} failed: ${lines.at(-1) ?? error.message}` });
    });
  });
}
