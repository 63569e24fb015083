import * as v from 'valibot';
import type { ShellResult } from '../iptables/mod.ts';
import { formatEndpoint, parseAddress } from '../model/mod.ts';
import { jsonReply } from '../observe/mod.ts';
import type { Page, Reply } from '../observe/mod.ts';
import { parseDestination, parseSource } from './trace-target.ts';

/** What the form of the status page sends. Names are those of the command line. */
const askedSchema = v.strictObject({
  source: v.pipe(v.string(), v.trim(), v.maxLength(300)),
  destination: v.pipe(v.string(), v.trim(), v.maxLength(300)),
  family: v.optional(v.nullable(v.picklist(['IPv4', 'IPv6'])), null),
});

/** Runs the command with these words. */
export type RunTrace = (words: readonly string[]) => Promise<ShellResult>;

/**
 * `POST /ui/trace`: what `waypost trace -o json` prints, of the same program in a process of its own. One at a time. Answers
 * `{ error }` with 400 where the question is wrong, 415 where it is no JSON, 429 while another trace runs, 422 where there is
 * nothing to trace, and 503 where the trace came to no end.
 */
export function makeTracePage(run: RunTrace): Page {
  let running = false;
  return async (question) => {
    if (!/^application\/json\s*(;|$)/i.test(question.header('content-type') ?? '')) {
      return refuse(415, 'a trace is asked for with a body of the type application/json');
    }
    const words = readWords(await question.body());
    if (!words.ok) return refuse(400, words.reason);
    if (running) {
      const busy = refuse(429, 'another trace runs at this moment; try again when it is over');
      return { ...busy, headers: { ...busy.headers, 'Retry-After': '2' } };
    }
    running = true;
    try {
      const { address, port } = question.local;
      // A socket of both families calls IPv4 addresses ::ffff:192.0.2.1.
      const agent = formatEndpoint(parseAddress(address) ?? address, port);
      return describeEnd(await run(['--url', `http://${agent}`, ...words.value]));
    } finally {
      running = false;
    }
  };
}

type Words = { readonly ok: true; readonly value: readonly string[] } | { readonly ok: false; readonly reason: string };

function readWords(body: string | null): Words {
  if (body === null) return { ok: false, reason: 'the body must not be longer than 4096 bytes' };
  const parsed = v.safeParse(askedSchema, parseJson(body));
  if (!parsed.success) return { ok: false, reason: describeIssue(parsed.issues[0]) };
  const { source, destination, family } = parsed.output;
  const from = parseSource(source);
  if (!from.ok) return { ok: false, reason: from.problem.message };
  const to = parseDestination(destination);
  if (!to.ok) return { ok: false, reason: to.problem.message };
  return { ok: true, value: [...(family === null ? [] : ['--family', family]), '--', source, destination] };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  return `${field ?? 'the body'}: ${issue.message}`;
}

function describeEnd(result: ShellResult): Reply {
  switch (result.kind) {
    case 'timeout':
      return refuse(503, 'the trace took too long and was ended; waypost trace on the node has no time limit');
    case 'too-big':
      return refuse(503, 'the trace has more to say than fits; waypost trace on the node prints all of it');
    case 'broken':
      return refuse(503, `the trace could not be started: ${result.message}`);
    case 'exit': {
      const report = parseJson(result.stdout);
      if (report !== null && result.status <= 1) return jsonReply(200, report);
      const said = result.stderr.replaceAll(/^waypost: /gm, '').trim();
      return refuse(422, said === '' ? `the trace ended with exit code ${result.status}` : said);
    }
  }
}

function refuse(status: number, error: string): Reply {
  return jsonReply(status, { error });
}
