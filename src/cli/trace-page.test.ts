import { describe, expect, test } from 'vitest';
import type { ShellResult } from '../iptables/mod.ts';
import type { Question, Reply } from '../observe/mod.ts';
import { makeQuestion } from './question.fixture.ts';
import { makeTracePage } from './trace-page.ts';
import type { RunTrace } from './trace-page.ts';

const asked = { source: 'outside', destination: 'shop/web:http', family: null };

function exit(status: number, stdout: string, stderr = ''): ShellResult {
  return { kind: 'exit', status, stdout, stderr, inputBytes: 0 };
}

function post(body: unknown, given: Partial<Question> & { readonly headers?: Readonly<Record<string, string>> } = {}): Question {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return makeQuestion({ method: 'POST', headers: { 'content-type': 'application/json' }, body: async () => text, ...given });
}

async function answerTo(question: Question, run: RunTrace = async () => exit(0, '{"verdict":"delivered"}')): Promise<Reply> {
  return await makeTracePage(run)(question);
}

describe('the page of the trace', () => {
  test('runs the command with the words of the form and gives what it prints, also of a packet that is refused', async () => {
    const ran: (readonly string[])[] = [];
    const run = async (words: readonly string[]): Promise<ShellResult> => {
      ran.push(words);
      return exit(1, '{"verdict":"refused"}');
    };
    const local = { address: '::ffff:127.0.0.1', port: 10249 };
    const reply = await answerTo(post({ source: ' node ', destination: '[fd00::1]:80/udp', family: 'IPv6' }, { local }), run);
    expect([reply.status, reply.body]).toEqual([200, '{"verdict":"refused"}']);
    expect(ran).toEqual([['--url', 'http://127.0.0.1:10249', '--family', 'IPv6', '--', 'node', '[fd00::1]:80/udp']]);
  });

  test.each([
    [{ ...asked, source: '--help' }, /^SOURCE must be .* not "--help"$/],
    [{ ...asked, source: 'a/b\nc' }, /^SOURCE must be/],
    [{ ...asked, destination: "10.0.0.1:80'; reboot" }, /^DESTINATION must be/],
    [{ ...asked, destination: '10.0.0.1:0' }, /the port must be 1 to 65535, not "0"/],
    [{ ...asked, destination: 'x'.repeat(301) }, /^destination: /],
    [{ ...asked, family: 'IPv5' }, /^family: .*"IPv5"/],
    [{ ...asked, url: 'http://192.0.2.1' }, /^url: /],
    [{ source: 'node' }, /^destination: /],
    ['{', /^the body: /],
    ['[]', /: /],
  ])('says what is wrong with %j', async (body, error) => {
    const reply = await answerTo(post(body));
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).error).toMatch(error);
  });

  test('wants JSON, which no form of another site can send, and not too much of it', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      expect((await answerTo(post(asked, { headers: { 'content-type': type } }))).status).toBe(415);
    }
    expect((await answerTo(post(asked, { headers: { 'content-type': 'application/json; charset=utf-8' } }))).status).toBe(200);
    expect((await answerTo(post(asked, { body: async () => null }))).status).toBe(400);
  });

  test('one at a time; the next may come when it is over', async () => {
    const { promise, resolve } = Promise.withResolvers<ShellResult>();
    const page = makeTracePage(() => promise);
    const first = page(post(asked));
    await Promise.resolve();
    const second = await page(post(asked));
    expect([second.status, second.headers['Retry-After']]).toEqual([429, '2']);
    resolve(exit(0, '{}'));
    expect((await first).status).toBe(200);
    expect((await page(post(asked))).status).toBe(200);
  });

  test.each([
    [{ kind: 'timeout', inputBytes: 0 }, 503, /took too long/],
    [{ kind: 'too-big', inputBytes: 0 }, 503, /more to say/],
    [{ kind: 'broken', message: 'no /bin/sh', inputBytes: 0 }, 503, /no \/bin\/sh/],
    [exit(2, '', 'waypost: SOURCE a/b: the running agent knows no pod of that name\n'), 422, /^SOURCE a\/b: the running agent/],
    [exit(1, '', ''), 422, /exit code 1/],
    [exit(0, 'not JSON', ''), 422, /exit code 0/],
  ] as const)('says why there is no trace: %j', async (result, status, error) => {
    const reply = await answerTo(post(asked), async () => result);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.body).error).toMatch(error);
  });
});
