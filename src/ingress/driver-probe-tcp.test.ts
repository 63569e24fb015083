import { afterAll, describe, expect, it } from 'vitest';
import { openConnector } from '../netlink/mod.ts';
import { askPlainly } from './driver-probe-plain.ts';
import { askByTcp } from './driver-probe-tcp.ts';
import { ask, connectionsTo, httpProbe, serve, serveDeaf, synSent, targetAt, until } from './probe.fixture.ts';
import type { AskBackend } from './health-types.ts';

const opened = await openConnector();
if (!opened.ok) throw new Error(opened.problem.message);
const connector = opened.value;
afterAll(() => connector.close());

const drivers: readonly (readonly [string, AskBackend])[] = [
  ['system calls', askByTcp(connector)],
  ['node:net', askPlainly],
];
const respond = (text: string) => serve((socket) => socket.once('data', () => socket.write(text)));
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe.each(drivers)('checks by %s', (_, how) => {
  it.each(['127.0.0.1', '::1'])('by TCP find a port of %s that is listened on, and reset the connection', async (host) => {
    await using server = await serve(() => undefined, host);
    for (let round = 0; round < 20; round += 1) {
      expect(await ask(how, targetAt(server.port, { kind: 'tcp' }, host))).toEqual({ kind: 'good', text: 'connected' });
    }
    await until(() => server.ends.length === 20 && server.sockets.size === 0);
    expect(new Set(server.ends)).toEqual(new Set(['ECONNRESET']));
  });

  it('by TCP do not care what the other side does with the connection', async () => {
    await using server = await serve((socket) => socket.resetAndDestroy());
    await using speaker = await serve((socket) => socket.end('220 welcome\r\n'));
    for (let round = 0; round < 50; round += 1) {
      for (const { port } of [server, speaker]) expect(await ask(how, targetAt(port))).toMatchObject({ kind: 'good' });
    }
  });

  it.each([{ kind: 'tcp' } as const, httpProbe()])('find a port that nobody listens on: %j', async (probe) => {
    const server = await serve(() => undefined);
    await server[Symbol.asyncDispose]();
    for (let round = 0; round < 20; round += 1) {
      const text = `cannot connect to 127.0.0.1 port ${server.port}: ECONNREFUSED`;
      expect(await ask(how, targetAt(server.port, probe))).toEqual({ kind: 'bad', text });
    }
  });

  it('find an address that no route leads to', async () => {
    expect(await ask(how, targetAt(80, { kind: 'tcp' }, '255.255.255.255'))).toMatchObject({ kind: 'bad' });
  });

  it.each([
    [ok, 'good', 'HTTP status 200 OK'],
    ['HTTP/1.0 302 Found\r\n\r\n', 'good', 'HTTP status 302 Found'],
    ['HTTP/1.1 399\r\n', 'good', 'HTTP status 399'],
    ['HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', 'good', 'HTTP status 204 No Content'],
    ['HTTP/1.1 404 Not Found\r\n\r\n', 'bad', 'HTTP status 404 Not Found'],
    ['HTTP/1.1 500 \u001B[31mOops\r\n\r\n', 'bad', 'HTTP status 500 ?[31mOops'],
    ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'bad', 'HTTP status 101 Switching Protocols'],
    ['SSH-2.0-OpenSSH_9.6\r\n', 'bad', 'no HTTP response: "SSH-2.0-OpenSSH_9.6"'],
    ['HTTP/1.1 2000 OK\r\n', 'bad', 'no HTTP response: "HTTP/1.1 2000 OK"'],
    ['x'.repeat(1_000_000), 'bad', `no HTTP response: "${'x'.repeat(80)}..."`],
    [`HTTP/1.1 100 Continue\r\n${'a: b\r\n'.repeat(100_000)}`, 'bad', 'no HTTP response: "HTTP/1.1 100 Continue"'],
    [`${ok}${'y'.repeat(5_000_000)}`, 'good', 'HTTP status 200 OK'],
  ])('by HTTP judge a response: %#', async (response, kind, text) => {
    await using server = await respond(response);
    expect(await ask(how, targetAt(server.port, httpProbe()))).toEqual({ kind, text });
    await until(() => server.sockets.size === 0);
  });

  it('by HTTP read a status that comes octet by octet', async () => {
    await using server = await serve((socket) => {
      socket.setNoDelay(true);
      const letters = [...ok];
      const write = (): void => void socket.write(letters.shift() ?? '', () => letters.length > 0 && setImmediate(write));
      socket.once('data', write);
    });
    expect(await ask(how, targetAt(server.port, httpProbe()))).toMatchObject({ kind: 'good' });
  });

  it('by HTTP send a request that says whom it asks', async () => {
    const heard: string[] = [];
    const listen = (host: string) =>
      serve((socket) => socket.once('data', (bytes) => (heard.push(`${bytes}`), socket.write(ok))), host);
    await using server = await listen('127.0.0.1');
    await using other = await listen('::1');
    await ask(how, targetAt(server.port, httpProbe('/healthz?full=1', 'example.org')));
    await ask(how, targetAt(other.port, httpProbe('/'), '::1'));
    const rest = 'User-Agent: waypost-health\r\nAccept: */*\r\nConnection: close\r\n\r\n';
    expect(heard[0]).toBe(`GET /healthz?full=1 HTTP/1.1\r\nHost: example.org\r\n${rest}`);
    expect(heard[1]).toBe(`GET / HTTP/1.1\r\nHost: [::1]:${other.port}\r\n${rest}`);
  });

  it('by HTTP find a connection that ends without a response, in order or by a reset', async () => {
    await using polite = await serve((socket) => socket.once('data', () => socket.end()));
    await using rude = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await using short = await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 2')));
    const of = (port: number) => ask(how, targetAt(port, httpProbe()));
    expect(await of(polite.port)).toEqual({ kind: 'bad', text: 'connection ended without a response' });
    expect(await of(rude.port)).toMatchObject({ kind: 'bad', text: expect.stringContaining('ECONNRESET') });
    expect(await of(short.port)).toEqual({ kind: 'bad', text: 'no HTTP response: "HTTP/1.1 2"' });
  });

  it('are given up where a server says nothing, and hear no more', async () => {
    await using server = await serve(() => undefined);
    const answers: unknown[] = [];
    const stop = how(targetAt(server.port, httpProbe()), (answer) => answers.push(answer));
    await until(() => server.sockets.size === 1);
    stop();
    await until(() => server.sockets.size === 0);
    expect([answers, server.ends]).toEqual([[], ['ECONNRESET']]);
  });

  it('are given up where the handshake is not completed, and leave nothing behind', async () => {
    await using deaf = await serveDeaf();
    const answers: unknown[] = [];
    const waiting = () => connectionsTo(deaf.port).filter((state) => state === synSent).length;
    const stops: (() => void)[] = [];
    // The first fill the queue of the listener; handshakes that find it full are dropped by the kernel.
    await until(() => {
      stops.push(how(targetAt(deaf.port, httpProbe()), (answer) => answers.push(answer)));
      return waiting() >= 100;
    });
    for (const stop of stops) stop();
    await until(() => waiting() === 0);
    expect(answers).toEqual([]);
    await using server = await respond(ok);
    for (let round = 0; round < 150; round += 1) {
      expect(await ask(how, targetAt(server.port, httpProbe()))).toMatchObject({ kind: 'good' });
    }
  });

  it('leave no connection of theirs in the kernel', async () => {
    expect.hasAssertions();
    await using server = await respond(ok);
    for (let round = 0; round < 100; round += 1) {
      await ask(how, targetAt(server.port, round % 2 === 0 ? httpProbe() : { kind: 'tcp' }));
    }
    await until(() => connectionsTo(server.port).length === 0);
  });
});

describe('a check that cannot be made', () => {
  it('for want of a file says nothing of the back end', () => {
    const answers: unknown[] = [];
    const lacking = { connect: () => -24, close: () => undefined };
    askByTcp(lacking)(targetAt(80), (answer) => answers.push(answer));
    expect(answers).toEqual([{ kind: 'unasked', text: 'cannot connect to 127.0.0.1 port 80: EMFILE' }]);
  });
});
