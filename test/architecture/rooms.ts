/** What a room may import and why the limit is there. Its own files are always allowed. */
export interface Room {
  readonly imports: readonly string[];
  readonly because: string;
}

const middle: Room = {
  imports: ['model', 'netlink'],
  because: 'rooms meet in the vocabulary of model, and the composition root src/cli joins them',
};

const backEnd: Room = {
  imports: ['model', 'netlink'],
  because: 'back ends never see proxy, kube or each other: they meet in the contract that model defines',
};

/** The rooms under src/ and the arrows between them. */
export const rooms: ReadonlyMap<string, Room> = new Map<string, Room>([
  ['model', { imports: [], because: 'model is the vocabulary of all rooms and imports nothing' }],
  [
    'netlink',
    { imports: ['model'], because: 'netlink is shared by the back ends; of the other rooms it knows the vocabulary only' },
  ],
  ['ipvs', backEnd],
  ['iptables', backEnd],
  ['nftables', backEnd],
  ['kube', middle],
  ['proxy', middle],
  ['dns', middle],
  ['ingress', middle],
  ['config', middle],
  ['observe', middle],
  ['trace', middle],
  [
    'cli',
    {
      imports: [
        'model',
        'netlink',
        'ipvs',
        'iptables',
        'nftables',
        'kube',
        'proxy',
        'dns',
        'ingress',
        'config',
        'observe',
        'trace',
      ],
      because: 'cli is the composition root and sees every room through its door',
    },
  ],
]);

/** The one room without a door: it is entered through main.ts and imported by none. */
export const rootRoom = 'cli';
