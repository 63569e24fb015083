import type { Clock } from '../model/mod.ts';
import { plainReply } from './http-serve.ts';
import type { Question, Reply } from './http-serve.ts';

/** What an operator may do with `enableProfiling`. */
export interface ProfilingOptions {
  readonly clock: Clock;
  readonly setVerbosity: (verbosity: number) => void;
}

type Page = (question: Question) => Reply | Promise<Reply>;

/** Seconds of a profile where the query names none, as in Go's net/http/pprof; and at most. */
const usualSeconds = 30;
const mostSeconds = 300;

const index = `/debug/pprof/profile?seconds=30 records where CPU time goes, as a .cpuprofile for Chrome DevTools or VS Code.
Profiles of the Go runtime (heap, goroutine, block, mutex, trace) do not exist: this agent runs on Node.js.
`;

/** The pages that exist only with `enableProfiling` (specification 8.1), by path. */
export function createProfilingPages({ clock, setVerbosity }: ProfilingOptions): ReadonlyMap<string, Page> {
  let recording = false;
  const profile: Page = async ({ query }) => {
    const seconds = Number(query.get('seconds') ?? usualSeconds);
    if (!(seconds > 0 && seconds <= mostSeconds)) return plainReply(400, `seconds must be above 0 and at most ${mostSeconds}\n`);
    if (recording) return plainReply(503, 'a profile is being recorded already\n');
    recording = true;
    try {
      return await recordProfile(clock, seconds);
    } finally {
      recording = false;
    }
  };
  return new Map<string, Page>([
    ['/debug/pprof/', () => plainReply(200, index)],
    ['/debug/pprof/profile', profile],
    ...['allocs', 'block', 'cmdline', 'goroutine', 'heap', 'mutex', 'symbol', 'threadcreate', 'trace'].map(
      (name): [string, Page] => [
        `/debug/pprof/${name}`,
        () => plainReply(501, `no profile ${name}: this agent runs on Node.js\n`),
      ],
    ),
    ['/debug/flags/v', (question) => changeVerbosity(question, setVerbosity)],
  ]);
}

async function recordProfile(clock: Clock, seconds: number): Promise<Reply> {
  // Loading it brings a client of HTTP along: 3 MB that nobody needs who records no profile.
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await new Promise<void>((resolve) => {
      clock.after(seconds * 1000, resolve);
    });
    const { profile } = await session.post('Profiler.stop');
    const headers = {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment; filename="waypost.cpuprofile"',
      'X-Content-Type-Options': 'nosniff',
    };
    return { status: 200, headers, body: JSON.stringify(profile) };
  } finally {
    session.disconnect();
  }
}

async function changeVerbosity({ method, body }: Question, setVerbosity: (verbosity: number) => void): Promise<Reply> {
  if (method !== 'PUT') {
    const reply = plainReply(405, 'the level is set with PUT\n');
    return { ...reply, headers: { ...reply.headers, Allow: 'PUT' } };
  }
  const text = (await body())?.trim() ?? '';
  if (!/^\d{1,3}$/.test(text)) return plainReply(400, 'the body must be a level: a whole number that is not negative\n');
  setVerbosity(Number(text));
  return plainReply(200, `the log level is ${text} now\n`);
}
