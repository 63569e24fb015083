import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

/**
 * What a kube-proxy that runs shows of itself: a process of that name, and its pages. `--config` names a file whose `mode` the
 * page answers. What it writes into the kernel is written by the test.
 */
const file = process.argv.find((word) => word.startsWith('--config='))?.slice('--config='.length) ?? '';
const { mode } = JSON.parse(readFileSync(file, 'utf8')) as { readonly mode: string };

const metrics = createServer((request, response) => {
  const answer = request.url === '/proxyMode' ? mode : request.url === '/healthz' ? 'ok' : null;
  response.writeHead(answer === null ? 404 : 200).end(answer ?? 'not found');
});
const health = createServer((_, response) => response.end('{}'));
health.listen(10_256, () => metrics.listen(10_249, '127.0.0.1', () => process.stdout.write('listening\n')));
