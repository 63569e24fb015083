import { describe, expect, it } from 'vitest';
import { rcode } from './constants.ts';
import { ask, flag, isProbe, makeBench, makeReply, makeRule, question, questions, settle, targets } from './forward.fixture.ts';

describe('a question that is forwarded', () => {
  it('[DNS-93] is answered with the records of the upstream, AD and code', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'www.example.com.');
    const { query, listener } = bench.udp.last;
    expect(listener.take(makeReply(query, { flags: flag.available | flag.authentic }))).toBe(true);
    await settle();
    expect(state.result).toMatchObject({
      kind: 'answered',
      rcode: 0,
      authenticData: true,
      truncated: false,
      upstream: '10.0.0.1:53',
    });
    expect(bench.lines).toContain('request 10.0.0.1:53 0 0');
    expect(bench.clock.timers).toBe(0);
  });

  it('[DNS-100] goes out with RD, the DO and CD of the asker, an OPT record of our own and no option', () => {
    const bench = makeBench(makeRule(1));
    for (const dnssecOk of [false, true]) {
      for (const checkingDisabled of [false, true]) {
        ask(bench, 'www.example.com.', { dnssecOk, checkingDisabled });
        const { query } = bench.udp.last;
        const [opt] = query.additionals ?? [];
        expect(query).toMatchObject({ flag_rd: true, flag_cd: checkingDisabled, flag_qr: false, opcode: 'QUERY' });
        expect(opt).toMatchObject({ type: 'OPT', udpPayloadSize: 1232, flag_do: dnssecOk, options: [], ednsVersion: 0 });
        expect(query.additionals).toHaveLength(1);
      }
    }
  });

  it('[DNS-101] asks the upstream for AD, which it may show to those who want it', () => {
    const bench = makeBench(makeRule(1));
    ask(bench, 'www.example.com.');
    expect(bench.udp.last.query.flag_ad).toBe(true);
  });

  it('[DNS-95] passes on failures that are not in the failover list', async () => {
    for (const code of [rcode.SERVFAIL, rcode.REFUSED, 6, rcode.NXDOMAIN]) {
      const bench = makeBench(makeRule(2));
      const state = ask(bench, 'www.example.com.');
      bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, code));
      await settle();
      expect(state.result).toMatchObject({ kind: 'answered', rcode: code, answer: [] });
      expect(bench.udp.sent).toHaveLength(1);
    }
  });

  it('[DNS-95] asks without EDNS a server that does not seem to know it, and passes on what that says', async () => {
    for (const code of [rcode.FORMERR, rcode.NOTIMP]) {
      const bench = makeBench(makeRule(2));
      const state = ask(bench, 'www.example.com.');
      bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, code));
      expect(bench.udp.last.query).toMatchObject({ additionals: [], questions: [{ name: 'www.example.com' }] });
      bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, code));
      await settle();
      expect(state.result).toMatchObject({ kind: 'answered', rcode: code });
      expect(targets(bench.udp.sent)).toEqual(['1', '1']);
    }
  });

  it('[DNS-95] goes to the next upstream on codes of the failover list, to each once, and passes the first failure on in the end', async () => {
    const bench = makeBench(makeRule(3, { failover: [rcode.SERVFAIL, rcode.REFUSED] }));
    const state = ask(bench, 'www.example.com.');
    for (const code of [rcode.REFUSED, rcode.SERVFAIL, rcode.SERVFAIL]) {
      expect(state.result).toBeNull();
      bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, code));
      await settle();
    }
    expect(targets(bench.udp.sent)).toEqual(['1', '2', '3']);
    expect(state.result).toMatchObject({ kind: 'answered', rcode: rcode.REFUSED });
  });

  it('[DNS-95] takes the answer of an upstream behind one that failed over', async () => {
    const bench = makeBench(makeRule(2, { failover: [rcode.SERVFAIL] }));
    const state = ask(bench, 'www.example.com.');
    bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, rcode.SERVFAIL));
    bench.udp.last.listener.take(makeReply(bench.udp.last.query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', rcode: 0, upstream: '10.0.0.2:53' });
  });

  it('[DNS-95] does not wait for a silent upstream again when it has a failure to pass on', async () => {
    const bench = makeBench(makeRule(2, { failover: [rcode.SERVFAIL] }));
    const state = ask(bench, 'www.example.com.');
    bench.udp.last.listener.take(makeReply(bench.udp.last.query, {}, rcode.SERVFAIL));
    await bench.clock.turn(2000);
    expect(state.result).toMatchObject({ kind: 'answered', rcode: rcode.SERVFAIL });
  });
});

describe('time-outs and errors', () => {
  it('[DNS-97] asks the next upstream after 2 s of silence, and again the first', async () => {
    const bench = makeBench(makeRule(2, { maxFails: 0 }));
    const state = ask(bench, 'www.example.com.');
    await bench.clock.turn(1999);
    expect(targets(questions(bench))).toEqual(['1']);
    await bench.clock.turn(1);
    expect(targets(questions(bench))).toEqual(['1', '2']);
    await bench.clock.turn(2000);
    expect(targets(questions(bench))).toEqual(['1', '2', '1']);
    await bench.clock.turn(1999);
    expect(state.result).toBeNull();
    await bench.clock.turn(1);
    expect(state.result).toMatchObject({ kind: 'failed', reason: '10.0.0.2:53 over udp: no answer in time' });
    expect(questions(bench)).toHaveLength(3);
    expect(questions(bench).some(({ listening }) => listening())).toBe(false);
  });

  it('[DNS-97] survives a lost datagram with one upstream', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'www.example.com.');
    await bench.clock.turn(2000);
    const [first, second] = questions(bench);
    expect(first?.query.id).not.toBe(second?.query.id);
    second?.listener.take(makeReply(second.query));
    await settle();
    expect(state.result?.kind).toBe('answered');
  });

  it('[DNS-97] takes a slow answer that comes while another upstream is asked', async () => {
    const bench = makeBench(makeRule(2));
    const state = ask(bench, 'www.example.com.');
    const { query, listener } = bench.udp.last;
    await bench.clock.turn(3000);
    listener.take(makeReply(query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', upstream: '10.0.0.1:53' });
    expect(bench.lines).toContain('request 10.0.0.1:53 0 3');
  });

  it('[DNS-97] asks the next upstream at once when a port is refused', async () => {
    const bench = makeBench(makeRule(2));
    const state = ask(bench, 'www.example.com.');
    bench.udp.last.listener.failed('ECONNREFUSED');
    const [, second] = questions(bench);
    expect(second?.to.address).toBe('10.0.0.2');
    second?.listener.take(makeReply(second.query));
    await settle();
    expect(state.result?.kind).toBe('answered');
  });

  it('[DNS-97] fails at once when all refuse, after two attempts at least', async () => {
    for (const count of [1, 3]) {
      const bench = makeBench(makeRule(count));
      const state = ask(bench, 'www.example.com.');
      for (let attempt = 0; attempt < 2 * count; attempt += 1) {
        expect(state.result).toBeNull();
        questions(bench).at(-1)?.listener.failed('ECONNREFUSED');
        await settle();
      }
      expect(state.result).toMatchObject({ kind: 'failed', reason: expect.stringContaining('ECONNREFUSED') });
    }
  });

  it('[DNS-97] listens to the silent one when all others refuse', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'www.example.com.');
    const slow = bench.udp.last;
    await bench.clock.turn(2000);
    questions(bench).at(-1)?.listener.failed('ECONNREFUSED');
    questions(bench).at(-1)?.listener.failed('ECONNREFUSED');
    await settle();
    expect(state.result).toBeNull();
    slow.listener.take(makeReply(slow.query));
    await settle();
    expect(state.result?.kind).toBe('answered');
  });

  it('[DNS-98] waits past what is no reply to it', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'www.example.com.');
    const { query, listener } = bench.udp.last;
    const wrong = [
      makeReply({ ...query, id: ((query.id ?? 0) + 1) & 0xffff }),
      makeReply(query, { questions: [{ type: 'A', name: 'evil.example.com' }] }),
      makeReply(query, { questions: [{ type: 'AAAA', name: 'www.example.com' }] }),
      makeReply(query, { questions: [] }),
      makeReply(query).subarray(0, 40),
      makeReply(query, { type: 'query' }),
      new Uint8Array(3),
    ];
    for (const bytes of wrong) expect(listener.take(bytes)).toBe(false);
    await bench.clock.turn(1999);
    expect(state.result).toBeNull();
    expect(questions(bench)).toHaveLength(1);
    expect(listener.take(makeReply(query))).toBe(true);
    await settle();
    expect(state.result?.kind).toBe('answered');
  });

  it('fails what is under way when it is closed, and everything later', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'www.example.com.');
    bench.forwarder.close();
    await settle();
    expect(state.result).toEqual({ kind: 'failed', reason: 'closed' });
    expect(await bench.forwarder.ask(question('www.example.com.'))).toEqual({ kind: 'failed', reason: 'closed' });
    expect(bench.udp.closed && bench.tcp.closed).toBe(true);
    expect(bench.clock.timers).toBe(0);
  });
});

describe('transports', () => {
  it('[DNS-96] fetches over TCP what was cut off over UDP, from the same upstream', async () => {
    const bench = makeBench(makeRule(2));
    const state = ask(bench, 'big.example.com.');
    bench.udp.last.listener.take(makeReply(bench.udp.last.query, { flags: flag.truncated }));
    expect(targets(bench.tcp.sent)).toEqual(['1']);
    expect(state.result).toBeNull();
    bench.tcp.last.listener.take(makeReply(bench.tcp.last.query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', truncated: false });
  });

  it('[DNS-96] gives what was cut off where TCP fails or is silent', async () => {
    for (const fails of [true, false]) {
      const bench = makeBench(makeRule(2));
      const state = ask(bench, 'big.example.com.');
      bench.udp.last.listener.take(makeReply(bench.udp.last.query, { flags: flag.truncated }));
      if (fails) bench.tcp.last.listener.failed('ECONNREFUSED');
      await bench.clock.turn(fails ? 0 : 2000);
      expect(state.result).toMatchObject({ kind: 'answered', truncated: true });
      expect(questions(bench)).toHaveLength(1);
    }
  });

  it('[DNS-96] fetches a reply that was cut in the middle of a record', () => {
    const bench = makeBench(makeRule(1));
    ask(bench, 'big.example.com.');
    const cut = makeReply(bench.udp.last.query, { flags: flag.truncated }).subarray(0, -3);
    expect(bench.udp.last.listener.take(cut)).toBe(true);
    expect(bench.tcp.sent).toHaveLength(1);
  });

  it('[DNS-96] goes over TCP at once for who came over TCP, and over UDP where an upstream has none', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'big.example.com.', { stream: true });
    expect([bench.udp.sent.length, bench.tcp.sent.length]).toEqual([0, 1]);
    bench.tcp.last.listener.failed('ECONNREFUSED');
    const sent = questions(bench).at(-1);
    sent?.listener.take(makeReply(sent.query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', truncated: false });
  });

  it('[DNS-96] asks over UDP for who came over TCP when nothing comes over that', async () => {
    const bench = makeBench(makeRule(1));
    const state = ask(bench, 'big.example.com.', { stream: true });
    await bench.clock.turn(2000);
    const sent = questions(bench).at(-1);
    sent?.listener.take(makeReply(sent.query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', truncated: false });
  });

  it('[DNS-96] asks the next upstream for who came over TCP when the whole is not to be had', async () => {
    const bench = makeBench(makeRule(2, { transport: 'prefer_udp' }));
    const state = ask(bench, 'big.example.com.', { stream: true });
    bench.udp.last.listener.take(makeReply(bench.udp.last.query, { flags: flag.truncated }));
    bench.tcp.last.listener.failed('ECONNREFUSED');
    const second = questions(bench).at(-1);
    expect(second?.to.address).toBe('10.0.0.2');
    second?.listener.take(makeReply(second.query));
    await settle();
    expect(state.result).toMatchObject({ kind: 'answered', truncated: false, upstream: '10.0.0.2:53' });
  });

  it('uses TCP alone with force_tcp, for probes too, and UDP first with prefer_udp', async () => {
    const forced = makeBench(makeRule(1, { transport: 'force_tcp' }));
    ask(forced, 'www.example.com.');
    await forced.clock.turn(2000);
    expect(forced.udp.sent).toHaveLength(0);
    expect(forced.tcp.sent.some(isProbe)).toBe(true);
    const preferred = makeBench(makeRule(1, { transport: 'prefer_udp' }));
    ask(preferred, 'www.example.com.', { stream: true });
    expect([preferred.udp.sent.length, preferred.tcp.sent.length]).toEqual([1, 0]);
  });
});
