import { ApiServer } from './api-server.ts';
import { node, service, slice } from './objects.ts';

/** A running server with two Nodes and the Services `shop/a`, `shop/b` and `shop/c`, one slice each. */
export async function startFilled(): Promise<ApiServer> {
  const server = new ApiServer();
  server.put('nodes', node('node-1', '192.0.2.1'));
  server.put('nodes', node('node-2', '192.0.2.2'));
  for (const name of ['a', 'b', 'c']) {
    server.put('services', service('shop', name, `10.96.0.${name.codePointAt(0)}`));
    server.put('endpointslices', slice('shop', `${name}-1`, name, ['10.0.0.1', '10.0.0.2']));
  }
  await server.start();
  return server;
}
