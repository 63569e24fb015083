import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamFrames, frame } from './forward-frames.ts';

it('messages come out of a stream as they went in, wherever it was cut', () => {
  const message = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 20 }),
      (messages, cuts) => {
        const stream = messages.flatMap((one) => [...frame(one)]);
        const frames = new StreamFrames();
        const out: number[][] = [];
        for (let at = 0, index = 0; at < stream.length; index += 1) {
          const size = Math.max(cuts[index % cuts.length] ?? 1, index % cuts.length === 0 ? 1 : 0);
          frames.push(new Uint8Array(stream.slice(at, at + size)), (one) => out.push([...one]));
          at += size;
        }
        expect(out).toEqual(messages.map((one) => [...one]));
      },
    ),
  );
});

it('the longest message has its length in two octets', () => {
  const long = new Uint8Array(65_535).fill(7);
  const framed = frame(long);
  expect([framed[0], framed[1], framed.length]).toEqual([0xff, 0xff, 65_537]);
  const out: number[] = [];
  new StreamFrames().push(framed, (one) => out.push(one.length));
  expect(out).toEqual([65_535]);
});
