import { expect, test } from 'vitest';
import { describeTraffic } from './traffic-words.ts';

test('what passes in a second is one line, and `-` where it is not known', () => {
  expect(describeTraffic([1.5, 120, 110.2, 96_000, 1_234_567])).toBe(
    '1.5 new connections; in 120 packets, 96k octets; out 110 packets, 1.23M octets',
  );
  expect(describeTraffic(null)).toBe('- new connections; in - packets, - octets; out - packets, - octets');
});
