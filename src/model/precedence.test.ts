import { describe, expect, it } from 'vitest';
import { precedenceOf } from './mod.ts';

describe('precedence of a Service', () => {
  it.each([
    ['the older one', { createdAt: 999_999_999, uid: 'b', key: 'z/z' }, { createdAt: 1_700_000_000, uid: 'a', key: 'a/a' }],
    ['of the same second the smaller UID', { createdAt: 5, uid: 'a', key: 'z/z' }, { createdAt: 5, uid: 'b', key: 'a/a' }],
    ['without times and UIDs the name', { createdAt: 0, uid: '', key: 'a/a' }, { createdAt: 0, uid: '', key: 'a/b' }],
  ])('[INGRESS-5] has %s first', (_, first, second) => {
    expect(precedenceOf(first) < precedenceOf(second)).toBe(true);
  });
});
