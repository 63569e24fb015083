import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainReply } from './http-serve.ts';
import { SocketListener } from './socket-listener.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wp-socket-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function listenerAt(path: string): { readonly listener: SocketListener; readonly told: string[] } {
  const told: string[] = [];
  const answer = (page: string) => (page === '/ping' ? plainReply(200, 'pong') : null);
  return { listener: new SocketListener({ path, answer, report: ({ code, message }) => told.push(`${code} ${message}`) }), told };
}

function ask(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/ping' }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    })
      .on('error', reject)
      .end();
  });
}

test('it answers, for its own user alone, and takes the file away at its end', async () => {
  const path = join(folder, 'a.sock');
  const mask = process.umask();
  const { listener, told } = listenerAt(path);
  await listener.start();
  expect(await ask(path)).toBe('pong');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(process.umask()).toBe(mask);
  await listener.close();
  expect([existsSync(path), told]).toEqual([false, []]);
});

test('a socket that a killed agent left is replaced', async () => {
  const path = join(folder, 'b.sock');
  const left = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', left]);
  expect(existsSync(path)).toBe(true);
  await using one = listenerAt(path).listener;
  await one.start();
  expect(await ask(path)).toBe('pong');
});

test('a socket on which somebody listens is left alone, and told of', async () => {
  const path = join(folder, 'c.sock');
  await using first = listenerAt(path).listener;
  await first.start();
  const { listener, told } = listenerAt(path);
  await listener.start();
  expect(listener.listening).toBe(false);
  await listener.close();
  expect(await ask(path)).toBe('pong');
  expect(told).toEqual([
    `WP_OBSERVE_SOCKET the socket ${path} cannot be served (something else listens there): commands have to ask by address`,
  ]);
});

test('a file that is no socket, and a folder that is not there, end nothing', async () => {
  const file = join(folder, 'd.sock');
  await writeFile(file, 'mine');
  for (const path of [file, join(folder, 'none', 'e.sock')]) {
    const { listener, told } = listenerAt(path);
    await listener.start();
    expect(listener.listening).toBe(false);
    expect(told).toHaveLength(1);
  }
  expect((await stat(file)).size).toBe(4);
});
