import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEndpoint, isPort } from './mod.ts';

describe('isPort', () => {
  it.each([1, 80, 65535])('takes %j', (value) => {
    expect(isPort(value)).toBe(true);
  });

  it.each([0, -1, 65536, 80.5, Number.NaN, Infinity, '80', null, undefined, true, [80], { port: 80 }])('refuses %j', (value) => {
    expect(isPort(value)).toBe(false);
  });
});

describe('formatEndpoint', () => {
  it('puts an IPv6 address in brackets, so that a URL parser finds both parts again', () => {
    expect(formatEndpoint('10.0.0.1', 80)).toBe('10.0.0.1:80');
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::1', 'fd00::')),
        fc.integer({ min: 1, max: 65535 }),
        (host, port) => {
          const url = new URL(`x://${formatEndpoint(host, port)}`);
          expect(url.hostname.replaceAll(/[[\]]/g, '')).toBe(host);
          expect(url.port).toBe(String(port));
        },
      ),
    );
  });
});
