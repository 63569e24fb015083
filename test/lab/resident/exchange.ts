import { performance } from 'node:perf_hooks';
import { parseAnswer } from './protocol.ts';
import type { Attempt } from './protocol.ts';

/**
 * One question that is settled once: by a line, by an error, or by silence. `settle` is called with
 * the outcome exactly once.
 */
export interface Exchange {
  line(text: string): void;
  error(code: string): void;
}

export function beginExchange(timeoutMs: number, settle: (attempt: Attempt) => void): Exchange {
  const started = performance.now();
  let hint: string | null = null;
  let settled = false;
  const finish = (verdict: Attempt['verdict'], code: string | null, answer: Attempt['answer']): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    settle({ verdict, code, answer, elapsedMs: Math.round(performance.now() - started) });
  };
  const timer = setTimeout(() => finish('timeout', hint, null), timeoutMs);
  return {
    line(text) {
      const answer = parseAnswer(text);
      if (answer === null) finish('failed', 'WRONG_LINE', null);
      else finish('answered', null, answer);
    },
    error(code) {
      // An output rule that drops or rejects makes a UDP send fail with EPERM; only a reject goes on to
      // leave ECONNREFUSED on the socket, so wait for that.
      if (code === 'EPERM') hint = code;
      else finish(code === 'ECONNREFUSED' ? 'refused' : code === 'ETIMEDOUT' ? 'timeout' : 'failed', code, null);
    },
  };
}

/** The errno name of a socket error. */
export function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
