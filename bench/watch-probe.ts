import { get } from 'node:http';

/**
 * Watches EndpointSlices as any client would: `watch-probe.ts <url of the API server> <version to begin after>`. Prints the time at
 * which each event has come, in nanoseconds of the machine's monotonic clock, and before them a line when it begins.
 */
const [server, version] = process.argv.slice(2);
const newline = 10;

get(`${server}/apis/discovery.k8s.io/v1/endpointslices?watch=true&resourceVersion=${version}`, (response) => {
  console.log('watching');
  response.on('data', (chunk: Buffer) => {
    const now = process.hrtime.bigint();
    for (const octet of chunk) if (octet === newline) console.log(String(now));
  });
});
