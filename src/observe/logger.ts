import pino from 'pino';
import type { Problem } from '../model/mod.ts';
import { formatLogLine } from './log-line.ts';

/** Facts beside a message. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** What the product writes its log through. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** An expected failure, as a warning with its code. */
  problem(problem: Problem): void;
  /** Changes the level, which the options set first. */
  setVerbosity(verbosity: number): void;
}

export interface LoggerOptions {
  readonly format: 'text' | 'json';
  /** The reference's levels: from 4 on decisions are logged, from 6 on every step. */
  readonly verbosity: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Takes whole lines, line feed included. */
  readonly write: (line: string) => void;
}

/** Makes a logger: JSON lines, or short lines for people. */
export function createLogger(options: LoggerOptions): Logger {
  const { format, verbosity, now, write } = options;
  const stream = { write: format === 'json' ? write : (line: string): void => write(formatLogLine(line)) };
  const log = pino(
    {
      level: levelOf(verbosity),
      base: null,
      timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
      messageKey: 'message',
    },
    stream,
  );
  return {
    debug: (message, fields = {}) => log.debug(fields, message),
    info: (message, fields = {}) => log.info(fields, message),
    warn: (message, fields = {}) => log.warn(fields, message),
    error: (message, fields = {}) => log.error(fields, message),
    problem: ({ code, message }) => log.warn({ code }, message),
    setVerbosity: (level) => {
      log.level = levelOf(level);
    },
  };
}

function levelOf(verbosity: number): 'debug' | 'info' {
  return verbosity >= 4 ? 'debug' : 'info';
}
