import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { judgeProgram } from './health-program.ts';
import type { ProgramOrder, ProgramReport } from './health-program.ts';
import type { AskBackend, ProbeAnswer } from './health-types.ts';

const helperPath = fileURLToPath(new URL('driver-probe-helper.ts', import.meta.url));
/** It holds little; what it needs is to stay small. */
const helperFlags = ['--max-semi-space-size=1', '--max-old-space-size=32', '--disable-warning=ExperimentalWarning'];

type Answered = (answer: ProbeAnswer) => void;

/**
 * Runs programs of one folder: `<program> <address> <port> <protocol>`, no shell, standard input empty, nothing in the
 * environment but PATH and LC_ALL. One that is given up is killed with everything it started, and so is what it leaves
 * behind. The process that does it starts with the first check, and again when it died.
 */
export class ProgramProbes {
  readonly #folder: string | null;
  readonly #waiting = new Map<number, Answered>();
  #helper: ChildProcessByStdio<Writable, Readable, null> | null = null;
  #lastId = 0;

  /** `folder` null: this node has none, and checks by a program cannot be made. */
  constructor(folder: string | null) {
    this.#folder = folder;
  }

  readonly ask: AskBackend = ({ probe, address, port, protocol }, answered) => {
    if (probe.kind !== 'exec') throw new TypeError(`a check by ${probe.kind} is not made by a program`);
    if (this.#folder === null) {
      answered({ kind: 'unasked', text: 'this node has no folder for programs of health checks' });
      return () => undefined;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    this.#waiting.set(id, answered);
    this.#send({ id, kind: 'run', path: join(this.#folder, probe.program), words: [address, `${port}`, protocol] });
    return () => {
      if (this.#waiting.delete(id)) this.#send({ id, kind: 'stop' });
    };
  };

  /** Kills what runs. Nobody is called any more. */
  close(): void {
    this.#waiting.clear();
    this.#helper?.stdin.end();
    this.#helper = null;
  }

  #send(order: ProgramOrder): void {
    this.#helper ??= this.#start();
    this.#helper.stdin.write(`${JSON.stringify(order)}\n`);
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    const helper = spawn(process.execPath, [...helperFlags, helperPath], {
      env: {},
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const end = (reason: string): void => {
      if (this.#helper !== helper) return;
      this.#helper = null;
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const answered of waiting) answered({ kind: 'unasked', text: `the process that runs programs ended: ${reason}` });
    };
    helper.on('error', (error) => end(error.message));
    helper.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    // A write to a process that just died must not end the agent; its `exit` event tells.
    helper.stdin.on('error', () => undefined);
    createInterface({ input: helper.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as ProgramReport));
    return helper;
  }

  #hear(report: ProgramReport): void {
    const answered = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    answered?.(judgeProgram(report));
  }
}
