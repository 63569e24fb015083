import { describe, expect, it } from 'vitest';
import { address, name } from './forward.fixture.ts';
import { readResolvConf } from './resolv-conf.ts';

const codes = (text: string, own: readonly string[] = []): readonly string[] =>
  readResolvConf(text, own.map(address)).problems.map(({ code }) => code);

describe('resolv.conf', () => {
  it('is read with comments, tabs and several lines', () => {
    const text = [
      '# made by hand',
      'nameserver 10.0.0.2   ; first',
      'nameserver\t2001:DB8::0053',
      'nameserver 10.0.0.2',
      'search Example.COM corp_net.example. .',
      'options timeout:1 ndots:3 rotate',
      '; end',
    ].join('\n');
    expect(readResolvConf(text, [])).toEqual({
      nameservers: [
        { address: '10.0.0.2', port: 53 },
        { address: '2001:db8::53', port: 53 },
      ],
      search: [name('example.com.'), name('corp_net.example.'), '\0'],
      ndots: 3,
      problems: [],
    });
  });

  it('has the last of search and domain, at most 32 entries, and at most 15 dots', () => {
    const many = Array.from({ length: 40 }, (_, index) => `d${index}.test`);
    expect(readResolvConf(`nameserver 10.0.0.1\ndomain a.test b.test\n`, []).search).toEqual([name('a.test.')]);
    expect(readResolvConf(`domain a.test\nsearch ${many.join(' ')}`, []).search).toHaveLength(32);
    expect(readResolvConf('options ndots:99', []).ndots).toBe(15);
    expect(readResolvConf('options ndots:x', []).ndots).toBe(1);
  });

  it('gives at most 15 upstreams', () => {
    const lines = Array.from({ length: 20 }, (_, index) => `nameserver 10.0.0.${index + 1}`);
    expect(readResolvConf(lines.join('\n'), []).nameservers).toHaveLength(15);
  });

  it.each(['127.0.0.53', '127.0.0.1', '::1', '0.0.0.0', '::'])('[DNS-125] refuses the stub %s and says what to do', (stub) => {
    const { nameservers, problems } = readResolvConf(`nameserver ${stub}\nnameserver 10.0.0.2`, []);
    expect(nameservers).toEqual([{ address: '10.0.0.2', port: 53 }]);
    expect(problems).toEqual([
      { code: 'WP_DNS_RESOLV_LOOPBACK', message: expect.stringMatching(`${stub} .*/run/systemd/resolve/resolv.conf`) },
    ]);
  });

  it('[DNS-125] refuses addresses that we answer on', () => {
    expect(codes('nameserver 10.96.0.10\nnameserver 10.0.0.2', ['10.96.0.10'])).toEqual(['WP_DNS_RESOLV_OWN']);
    expect(codes('nameserver 169.254.20.10', ['169.254.20.10'])).toEqual(['WP_DNS_RESOLV_OWN', 'WP_DNS_RESOLV_EMPTY']);
  });

  it('tells of what cannot be read, and of a file that names nobody', () => {
    expect(codes('nameserver dns.example.com\nnameserver fe80::1%eth0\nnameserver 10.0.0.2')).toEqual([
      'WP_DNS_RESOLV_ADDRESS',
      'WP_DNS_RESOLV_ADDRESS',
    ]);
    expect(codes('nameserver 10.0.0.2\nsearch a..b ok.test')).toEqual(['WP_DNS_RESOLV_SEARCH']);
    expect(codes('')).toEqual(['WP_DNS_RESOLV_EMPTY']);
    expect(codes('nameserver')).toEqual(['WP_DNS_RESOLV_ADDRESS', 'WP_DNS_RESOLV_EMPTY']);
  });
});
