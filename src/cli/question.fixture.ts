import type { Question } from '../observe/mod.ts';

/** A question as a server puts it to a page: a GET from the node itself, but for what is given. */
export function makeQuestion(given: Partial<Question> & { readonly headers?: Readonly<Record<string, string>> } = {}): Question {
  const headers: Readonly<Record<string, string>> = { host: '127.0.0.1:10249', ...given.headers };
  return {
    method: 'GET',
    query: new URLSearchParams(),
    header: (name) => headers[name] ?? null,
    local: { address: '127.0.0.1', port: 10249 },
    body: async () => null,
    ...given,
  };
}
